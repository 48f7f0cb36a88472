"""The program document: every wrong field is named with its path, all at once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from local.samples import sample_document

from instore.errors import ProgramError
from instore.model import Stickiness
from instore.program import Program, load_program
from instore.program_words import PATTERNS

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = sample_document("in_store")
    return loaded


def problems(document: Any) -> dict[str, str]:
    with pytest.raises(ProgramError) as caught:
        load_program(document)
    assert caught.value.status == 422
    return {problem.where: problem.what for problem in caught.value.problems}


def put(path: str, value: Any) -> Change:
    """`banners.0.account` -> a change that sets it."""

    def change(document: dict[str, Any]) -> None:
        *steps, last = path.split(".")
        place: Any = document
        for step in steps:
            place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
        place[int(last) if isinstance(place, list) else last] = value

    return change


def both(*changes: Change) -> Change:
    def change(document: dict[str, Any]) -> None:
        for one in changes:
            one(document)

    return change


WRONG: list[tuple[str, Change, str, str]] = [
    ("unknown account", put("banners.0.account", "99999999"), "banners[0].account",
     "unknown account '99999999'"),
    ("toll-free number", put("banners.1.number.outbound", "+18005550100"),
     "banners[1].number.outbound", "toll-free numbers cannot be outbound numbers"),
    ("number not E.164", put("banners.1.number.outbound", "212-555-0100"),
     "banners[1].number.outbound", "not a phone number in E.164, such as +12125550123"),
    ("hours upside down", put("outreach.associate_window", {"from": "20:00", "to": "11:00"}),
     "outreach.associate_window", "hours upside down: 20:00 is not before 11:00"),
    ("hours of no length", put("outreach.associate_window", {"from": "11:00", "to": "11:00"}),
     "outreach.associate_window", "hours upside down: 11:00 is not before 11:00"),
    ("step that cannot end", put("routing.steps", ["associate", "manager"]),
     "banners[0].routing.steps",
     "cannot end: the last step must be skill or wait_for_associate, not manager"),
    ("nothing after skill", put("routing.steps", ["skill", "associate", "wait_for_associate"]),
     "banners[0].routing.steps", "nothing after step `skill` can be reached"),
    ("step twice", put("routing.steps", ["associate", "associate", "skill"]),
     "routing.steps", "listed twice"),
    ("unknown step", put("routing.steps", ["associate", "owner", "skill"]),
     "routing.steps[1]",
     "Input should be 'associate', 'least_loaded_peer', 'manager', 'wait_for_associate' or 'skill'"),
    ("unknown field", put("outreach.per_asociate_day", 5), "outreach.per_asociate_day",
     "Extra inputs are not permitted"),
    ("no owner", put("accounts.0.role", "sub"), "accounts",
     "exactly one account is the owner, not 0"),
    ("two owners", put("accounts.1.role", "owner"), "accounts",
     "exactly one account is the owner, not 2"),
    ("secret of another account", put("accounts.1.secret", "instore/lp/10000003"),
     "accounts[1].secret", "must end with /lp/10000002"),
    ("account twice", put("accounts.2.id", "10000002"), "accounts[2].id",
     "'10000002' is there twice"),
    ("banner twice", put("banners.1.name", "kay"), "banners[1].name", "'kay' is there twice"),
    ("bot of two banners", put("banners.1.bots", ["kay-router"]), "banners[1].bots",
     "bot 'kay-router' is also of 'kay': each banner needs bot users of its own"),
    ("a number held for nothing", put("outreach.filtering", {"run": 2}), "outreach.filtering.run",
     "Input should be greater than or equal to 3"),
    ("a number held for ever", put("banners.1.outreach", {"filtering": {"hold_hours": 169}}),
     "banners[1].outreach.filtering.hold_hours", "Input should be less than or equal to 168"),
    ("stop of unknown banner", put("stops.banners", ["kays"]), "stops.banners[0]",
     "unknown banner 'kays'"),
    ("alias of unknown banner",
     put("aliases", [{"banner": "kays", "word": "Dana1", "login": "d@e.com"}]),
     "aliases[0].banner", "unknown banner 'kays'"),
    ("duplicate alias, folded",
     put("aliases", [{"banner": "kay", "word": "JohnO1", "login": "a@e.com"},
                     {"banner": "kay", "word": "J0HNOL", "login": "b@e.com"}]),
     "aliases[1].word", "duplicate alias: same as aliases[0]"),
    ("reserved alias", put("aliases", [{"banner": "kay", "word": "Stop", "login": "a@e.com"}]),
     "aliases[0].word", "'Stop' is a reserved word"),
    ("alias with a space", put("aliases", [{"banner": "kay", "word": "a b", "login": "a@e.com"}]),
     "aliases[0].word", "2-40 letters and digits"),
    ("backend without settings", put("routing.resolvers", ["backend"]),
     "banners[0].routing.backend", "needed by resolver `backend`"),
    ("token without settings", put("routing.resolvers", ["token"]),
     "banners[0].routing.token", "needed by resolver `token`"),
    ("trigger without virtual skill", put("banners.2.virtual_skill", None),
     "banners[2].virtual_skill", "needed by routing.triggers"),
    ("template variables", put("outreach.templates.0.variables", 3), "outreach.templates[0]",
     "text has variables [1, 2], `variables` says 3"),
    ("a variable with a zero", put("outreach.templates.0.text", "{01} {1} {2} STOP"),
     "outreach.templates[0]", "variables are {1}, {2} and so on, not {01}"),
    ("a variable in other digits", put("outreach.templates.0.text", "{\u0661} {2} STOP"),
     "outreach.templates[0]", "variables are {1}, {2} and so on, not {\u0661}"),
    ("a variable with a name", put("outreach.templates.0.text", "{1} {2} of {shop} STOP"),
     "outreach.templates[0]", "variables are {1}, {2} and so on, not {shop}"),
    ("a banner's language spelt out", put("banners.0.language", "French"), "banners[0].language",
     "not a language: write en, or en-CA"),
    ("messages in no language", put("messages.french", {"texts": {"goodbye": "Au revoir."}}),
     "messages.french.[key]", "not a language: write en, or en-CA"),
    ("a name in capitals", put("banners.1.name", "Kay Outlet"), "banners[1].name",
     "not a name: a lower-case letter or a digit, then up to 80 of them, also / _ and -"),
    ("notification template", put("notification.template", "comeback"),
     "banners[0].outreach.templates", "notification.template 'comeback' is not among them"),
    ("unknown message", put("messages.en.texts.helo", "Hi"), "messages.en.texts",
     "unknown message 'helo'"),
    ("unknown message field", put("messages.en.texts.skill", "Hi {name}"), "messages.en.texts",
     "skill: unknown field {name}"),
    ("attribute of a field", put("messages.en.texts.skill", "{associate.__class__}"),
     "messages.en.texts", "skill: unknown field {associate.__class__}"),
    ("mirror namespace with +", put("mapping.mirror_namespace", "a+b"), "mapping.mirror_namespace",
     "not a namespace: 1-60 letters, digits and _"),
    ("batch of 101", put("outreach.chunk", 101), "outreach.chunk",
     "Input should be less than or equal to 100"),
    ("a lease as long as a deferral", put("outreach.lease_hours", 48),
     "banners[0].outreach.lease_hours", "must be longer than max_defer_hours"),
    ("a banner's own short lease", put("banners.1.outreach", {"lease_hours": 1}),
     "banners[1].outreach.lease_hours", "must be longer than max_defer_hours"),
    ("a channel without a line", lambda d: (put("notification.channel", "twilio")(d), d.pop("line")),
     "notification.channel", "twilio needs `line`"),
    ("relay numbers without a line", lambda d: d.pop("line"), "banners[0].number.strategy",
     "relay needs `line`"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "where", "what"), [row[1:] for row in WRONG],
                         ids=[row[0] for row in WRONG])  # fmt: skip
def test_every_wrong_field_is_named(
    document: dict[str, Any], change: Change, where: str, what: str
) -> None:
    change(document)
    assert problems(document)[where] == what


def test_no_pattern_is_shown_for_want_of_words() -> None:
    def patterns(part: Any) -> set[str]:
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        own = {part["pattern"]} if isinstance(part, dict) and "pattern" in part else set()
        return own.union(*map(patterns, inner))

    assert patterns(Program.model_json_schema()) == PATTERNS.keys()


def test_all_problems_come_at_once(document: dict[str, Any]) -> None:
    document["banners"][0]["number"]["outbound"] = "+18885550100"
    document["outreach"]["chunk"] = 0
    assert {"banners[0].number.outbound", "outreach.chunk"} <= problems(document).keys()


@pytest.mark.parametrize("steps", [
    ["associate", "least_loaded_peer", "wait_for_associate"],
    ["associate", "manager", "wait_for_associate", "skill"],
    ["associate", "skill"],
])  # fmt: skip
def test_strict_refuses_any_step_to_somebody_else(
    document: dict[str, Any], steps: list[str]
) -> None:
    document["routing"] |= {"stickiness": "strict", "steps": steps, "triggers": {}}
    assert "strict" in problems(document)["banners[0].routing.steps"]


@pytest.mark.parametrize("skill", [None, "plan-navigators"])
def test_strict_does_not_end_at_the_skill_all_navigators_share(skill: str | None) -> None:
    plan = sample_document("one_to_one")
    plan["banners"][0]["fallback_skill"] = skill
    assert problems(plan)["banners[0].fallback_skill"] == "strict needs one beside human_skill"


def test_offer_choice_needs_somewhere_to_wait(document: dict[str, Any]) -> None:
    document["routing"] |= {"stickiness": "offer_choice"}
    assert problems(document)["banners[0].routing.steps"] == "offer_choice needs wait_for_associate"


def test_a_banner_states_only_what_differs(document: dict[str, Any]) -> None:
    document["banners"][3]["outreach"] = {"per_associate_day": 40}
    document["banners"][3]["routing"] = {"triggers": {"closed": False}}
    program = load_program(document)
    zales, kay = program.banners[3], program.banners[0]
    assert (zales.outreach.per_associate_day, kay.outreach.per_associate_day) == (40, 100)
    assert zales.outreach.recipients_per_batch == 10
    assert zales.routing.triggers.model_dump() == {
        "closed": False, "all_offline_minutes": 30, "all_busy_minutes": 15}  # fmt: skip
    assert kay.routing.triggers.closed


@pytest.mark.parametrize("document", [None, [], "text", 3, {"banners": 3}, {"banners": [3]}])
def test_what_is_no_program_is_refused_with_a_reason(document: Any) -> None:
    assert problems(document)


def test_one_account_mode_works_unchanged(strict_program: Program) -> None:
    assert [a.id for a in strict_program.human_accounts()] == ["20000001"]
    assert strict_program.owner.id == "20000001"
    assert strict_program.routing.stickiness is Stickiness.STRICT


def test_nothing_assumes_a_count_of_banners(document: dict[str, Any]) -> None:
    first = document["banners"][0]
    del document["line"]  # its branches name banners
    first["number"]["strategy"] = "shared"
    document["banners"] = [{**copy.deepcopy(first), "name": f"b{n}", "bots": [f"bot-{n}"]}
                           for n in range(23)]  # fmt: skip
    assert len(load_program(document).banners) == 23


def test_lookups(program: Program) -> None:
    kay = program.banner("kay")
    assert kay is not None
    assert program.banner("nobody") is None
    assert program.account("nobody") is None
    assert program.banner_of_bot("10000002", "kay-router") is kay
    assert program.banner_of_bot("10000003", "kay-router") is None
    assert [a.id for a in program.human_accounts()] == ["10000002", "10000003"]
    assert kay.last_skill == "kay-virtual"
    template = program.template("sale", kay)
    assert template is not None
    assert template.purpose == "marketing"
    assert program.template("nothing", kay) is None


def test_messages_speak_the_nearest_language(program: Program) -> None:
    assert program.message("connecting", language="es-MX", associate="Ana") == (
        "Le comunicamos con Ana.")  # fmt: skip
    assert program.message("connecting", language="fr", associate="Ana") == (
        "Nous vous mettons en relation avec Ana.")  # fmt: skip
    assert program.message("connecting", language=None, associate="Ana") == (
        "Connecting you with Ana.")  # fmt: skip
    assert program.message("skill", language="de-DE") == "We are connecting you with our team."
    assert program.message("connecting", language="FR_ca", associate="Ana") == (
        "Nous vous mettons en relation avec Ana.")  # fmt: skip


def test_a_sentence_not_translated_is_the_programs_own(document: dict[str, Any]) -> None:
    put("messages.en.texts.closed", "Come back tomorrow.")(document)
    program = load_program(document)
    assert "closed" not in program.messages["fr"].texts
    assert program.message("closed", language="fr-CA") == "Come back tomorrow."


@pytest.mark.parametrize(("change", "reason"), [
    (None, None),
    (put("stops.all", True), "stopped_all"),
    (put("stops.banners", ["kay"]), "stopped_banner"),
    (put("banners.0.stopped", True), "stopped_banner"),
    (put("banners.0.features", {"outreach": False}), "stopped_banner"),
    (put("stops.stores", ["301"]), "stopped_store"),
    (put("stops.stores", ["10000002/301"]), "stopped_store"),
    (put("stops.stores", ["10000003/301"]), None),  # the same id in another account
    (put("stops.associates", ["ana@kay.example.com"]), "stopped_associate"),
    (put("stops.associates", [" Ana@Kay.example.COM "]), "stopped_associate"),
    (put("stops.associates", ["ana@\u212aay.example.com"]), None),  # a Kelvin sign is no k
    (put("stops.banners", ["jared"]), None),
])  # fmt: skip
def test_kill_switches(document: dict[str, Any], change: Change | None, reason: str | None) -> None:
    if change:
        change(document)
    program = load_program(document)
    for login in ("ana@kay.example.com", "ANA@kay.example.com"):
        assert program.stop_reason(banner=program.banners[0], store="301", login=login) == reason


def test_login_names_are_kept_in_lower_case(document: dict[str, Any]) -> None:
    document["stops"] = {"associates": ["Ana@Kay.example.com"]}
    document["aliases"] = [{"banner": "kay", "word": "Ana7", "login": "Ana@Kay.example.com"}]
    program = load_program(document)
    assert program.stops.associates == ["ana@kay.example.com"]
    assert program.aliases[0].login == "ana@kay.example.com"
