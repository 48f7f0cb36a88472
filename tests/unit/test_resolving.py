"""Who is writing and who is wanted: attributes, words, the order of the resolvers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from instore.adapters.backend import Found
from instore.consent import Binding, Customer
from instore.conversation import Conversation
from instore.directory import Associate, Pointer, Store
from instore.errors import UnavailableError, VendorThrottledError
from instore.identifying import Identity, identify, named_paths
from instore.model import Channel, Phone, fold_word
from instore.program import Banner, Program
from instore.program_parts import TokenResolver
from instore.resolving import Clues, person, resolve, token_word, typed_words, words_to_look_up
from instore.routing_case import Wanted

NOW = datetime(2026, 11, 18, 17, 0, tzinfo=UTC)
DANA, EVE = "71001", "71002"


class MapOfLists:
    """Stores by group, words and pointers in plain dicts, with a note of what was looked up."""

    def __init__(self, *stores: Store) -> None:
        self.stores = {store.group: store for store in stores}
        self.words: dict[str, Pointer] = {}
        self.agents: dict[str, Pointer] = {}
        self.logins: dict[str, Pointer] = {}
        self.read: list[str] = []

    def store(self, account: str, *, group: str) -> Store | None:
        self.read.append(group)
        return self.stores.get(group)

    def word_keys(self, banner: str, *, word: str) -> list[tuple[str, str]]:
        return [(f"ALIAS#{banner}#{form}", "ALIAS") for form in {word.upper(), fold_word(word)}]

    def by_word(self, banner: str, *, word: str) -> Pointer | None:
        return self.words.get(word)

    def by_agent(self, account: str, *, agent_id: str) -> Pointer | None:
        self.read.append(f"agent {agent_id}")
        return self.agents.get(agent_id)

    def by_login(self, account: str, *, login: str) -> Pointer | None:
        return self.logins.get(login)


class BackEnd:
    def __init__(self, answer: Found | Exception | None = None) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str]] = []

    def associate_of_member(self, settings: Any, *, member: str) -> Found | None:
        return self._tell("member", member)

    def associate_of_keyword(self, settings: Any, *, keyword: str) -> Found | None:
        return self._tell("keyword", keyword)

    def _tell(self, kind: str, name: str) -> Found | None:
        self.asked.append((kind, name))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def navigator(agent_id: str, *, enabled: bool = True) -> Associate:
    return Associate(agent_id, f"pid-{agent_id}", f"{agent_id}@x.example.com", agent_id, enabled)


def store(group: str, *people: Associate) -> Store:
    return Store("20000001", group, group, "plan", "America/Chicago", "IL", "60601", (), people, ())


def pointer(agent_id: str = DANA, group: str = "n", account: str = "20000001") -> Pointer:
    return Pointer(account, group, agent_id)


def item(to: Pointer) -> dict[str, str]:
    return {"account": to.account, "group": to.group, "agent": to.agent_id}


@pytest.fixture
def plan(strict_program: Program) -> Banner:
    return strict_program.banners[0]


@pytest.fixture
def team() -> MapOfLists:
    return MapOfLists(store("n", navigator(DANA), navigator(EVE)))


def clues(plan: Banner, text: str = "", **changes: Any) -> Clues:
    talk = Conversation("20000001", "c-1", "plan", "plan-router", Channel.WEB, NOW,
                        attributes=changes.pop("attributes", {}))  # fmt: skip
    return replace(Clues(plan, talk, None, text, {}), **changes)


def bound(to: Pointer) -> Customer:
    return Customer("c", bindings={"plan": Binding(to, NOW, "assigned")})


GOLD = {"ctmrinfo.ctype": "gold", "ctmrinfo.companyBranch": "north"}
MEMBER = {"ctmrinfo.customerId": "M-1"}
DANAS_WORD = {("ALIAS#plan#DANAR111", "ALIAS"): item(pointer())}


# ------------------------------------------------------------------ words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("JohnSmith123", ["JohnSmith123"]),
        ("  2n9c. ", ["2n9c"]),
        ("John Smith 123", ["JohnSmith123", "123", "John", "Smith"]),
        ("Please get me JohnSmith123", ["JohnSmith123", "Please", "get", "me"]),
        ("one two three four five six seven", ["one", "two", "three", "four", "five"]),
        ("STOP", []), ("hello", []), ("Wait!", []),
        ("é", []), ("", []), ("a", []), ("x" * 41, []),
        ("Leo Leo LE0", ["LeoLeoLE0", "LE0"]),
    ],
)  # fmt: skip
def test_words_that_may_be_a_keyword(text: str, words: list[str]) -> None:
    assert typed_words(text) == words


def test_token_rules_and_the_alias_attribute() -> None:
    token = TokenResolver.model_validate({
        "alias_attribute": "ctmrinfo.role",
        "rules": [{"when": {"a.b": "1", "a.c": "2"}, "alias": "First1"},
                  {"when": {"a.b": "1"}, "alias": "Second2"}],
    })  # fmt: skip
    assert token_word(token, attributes={"ctmrinfo.role": "Dana9", "a.b": "1"}) == "Dana9"
    assert token_word(token, attributes={"a.b": "1", "a.c": "2"}) == "First1"
    assert token_word(token, attributes={"a.b": "1", "a.c": "3"}) == "Second2"
    assert token_word(token, attributes={"a.c": "2"}) is None
    assert token_word(None, attributes={"a.b": "1"}) is None


def test_every_word_of_an_event_is_known_before_anything_is_read(
    plan: Banner, program: Program
) -> None:
    talk = clues(plan, attributes=GOLD).conversation
    assert words_to_look_up(plan, conversation=talk, text="Eve77") == ["DanaR111", "Eve77"]
    assert words_to_look_up(program.banners[0], conversation=talk, text="Eve77") == ["Eve77"]
    routing = plan.routing.model_copy(update={"resolvers": ["binding"]})
    bare = plan.model_copy(update={"routing": routing})
    assert words_to_look_up(bare, conversation=talk, text="Eve77") == []


# ------------------------------------------------------------------ order


def test_the_program_decides_who_is_asked_first(plan: Banner, team: MapOfLists) -> None:
    backend = BackEnd(Found(agent_id=EVE))
    everything = clues(plan, "DanaR111", attributes=GOLD | MEMBER, items=DANAS_WORD,
                       customer=bound(pointer(EVE)))  # fmt: skip
    found = resolve(everything, stores=team, backend=backend)
    assert (found.wanted, found.pointer) == (Wanted.KNOWN, pointer(EVE))
    assert found.trail == ["binding: found"]
    assert backend.asked == []
    routing = plan.routing.model_copy(update={"resolvers": ["token", "binding"]})
    other = plan.model_copy(update={"routing": routing})
    found = resolve(replace(everything, banner=other), stores=team, backend=backend)
    assert (found.pointer, found.trail) == (pointer(DANA), ["token: found"])


def test_a_binding_to_somebody_who_left_does_not_hide_the_new_navigator(plan: Banner) -> None:
    team = MapOfLists(store("n", navigator(DANA), navigator(EVE, enabled=False)))
    both = clues(plan, attributes=GOLD, items=DANAS_WORD, customer=bound(pointer(EVE)))
    found = resolve(both, stores=team, backend=BackEnd())
    assert (found.wanted, found.pointer) == (Wanted.KNOWN, pointer(DANA))
    assert found.trail == ["binding: has left", "token: found"]
    alone = clues(plan, customer=bound(pointer(EVE)))
    found = resolve(alone, stores=team, backend=BackEnd())
    assert found.wanted is Wanted.TERMINATED
    assert found.associate is not None
    assert found.associate.agent_id == EVE
    assert found.trail[0] == "binding: has left"


def test_two_who_left_are_told_by_the_first(plan: Banner) -> None:
    team = MapOfLists(store("n"))
    both = clues(plan, attributes=GOLD, items=DANAS_WORD, customer=bound(pointer(EVE)))
    found = resolve(both, stores=team, backend=BackEnd())
    assert (found.wanted, found.pointer, found.associate) == (
        Wanted.TERMINATED, pointer(EVE), None,
    )  # fmt: skip
    assert found.trail[:2] == ["binding: has left", "token: has left"]


def test_nobody_named_is_unknown_and_a_typed_word_is_a_miss(plan: Banner, team: MapOfLists) -> None:
    found = resolve(clues(plan, "Zed99"), stores=team, backend=BackEnd())
    assert (found.wanted, found.pointer, found.missed) == (Wanted.UNKNOWN, None, True)
    assert found.trail == ["binding: none", "token: names nobody", "backend: names nobody",
                           "keyword: unknown"]  # fmt: skip
    silent = resolve(clues(plan, "hello"), stores=team, backend=BackEnd())
    assert (silent.missed, silent.trail[-1]) == (False, "keyword: none typed")


def test_a_token_may_name_an_alias_nobody_has(plan: Banner, team: MapOfLists) -> None:
    found = resolve(clues(plan, attributes=GOLD), stores=team, backend=BackEnd())
    assert found.trail[1] == "token: names nobody we know"


# ------------------------------------------------------------------ moved, other account


def test_somebody_who_moved_is_followed(plan: Banner) -> None:
    team = MapOfLists(store("n", navigator(EVE)), store("s", navigator(DANA)))
    team.agents[DANA] = pointer(group="s")
    found = resolve(clues(plan, customer=bound(pointer())), stores=team, backend=BackEnd())
    assert (found.wanted, found.pointer) == (Wanted.KNOWN, pointer(group="s"))
    assert team.read == ["n", f"agent {DANA}", "s"]


@pytest.mark.parametrize("to", [pointer(group="s"), pointer(group="gone"), pointer(), None])
def test_somebody_who_is_nowhere_has_left(plan: Banner, to: Pointer | None) -> None:
    team = MapOfLists(store("n", navigator(EVE)), store("s"))
    if to is not None:
        team.agents[DANA] = to
    found = person(pointer(), banner=plan, stores=team)
    assert (found.wanted, found.associate) == (Wanted.TERMINATED, None)
    assert found.store == team.stores["n"]


def test_a_pointer_into_another_account_leads_nowhere(plan: Banner, team: MapOfLists) -> None:
    found = person(pointer(account="10000002"), banner=plan, stores=team)
    assert (found.wanted, found.store) == (Wanted.TERMINATED, None)
    assert team.read == []


def test_a_choice_on_offer_is_looked_at_again(plan: Banner, team: MapOfLists) -> None:
    found = person(pointer(), banner=plan, stores=team)
    assert (found.wanted, found.trail) == (Wanted.KNOWN, ["choice: on offer"])


# ------------------------------------------------------------------ back end


@pytest.mark.parametrize(
    "answer",
    [Found(agent_id=EVE), Found(login="eve@x"), Found(alias="Eve77"), Found(employee_id="123456")],
)
def test_the_back_end_names_somebody_one_way_or_another(
    plan: Banner, team: MapOfLists, answer: Found
) -> None:
    team.agents[EVE] = team.logins["eve@x"] = pointer(EVE)
    team.words |= {"Eve77": pointer(EVE), "2N9C": pointer(EVE)}
    found = resolve(clues(plan, attributes=MEMBER), stores=team, backend=BackEnd(answer))
    assert (found.wanted, found.pointer) == (Wanted.KNOWN, pointer(EVE))
    assert found.trail[-1] == "backend: found"


@pytest.mark.parametrize(
    "answer", [Found(agent_id="9"), Found(employee_id="A-7"), Found(alias="nobody")]
)
def test_a_name_the_map_does_not_have_is_nobody(
    plan: Banner, team: MapOfLists, answer: Found
) -> None:
    found = resolve(clues(plan, attributes=MEMBER), stores=team, backend=BackEnd(answer))
    assert found.wanted is Wanted.UNKNOWN
    assert "backend: names nobody we know" in found.trail


def test_a_members_number_is_kept_a_keywords_is_not(plan: Banner, team: MapOfLists) -> None:
    phone = Phone("+16125550177")
    team.agents[EVE] = pointer(EVE)
    backend = BackEnd(Found(agent_id=EVE, phone=phone))
    found = resolve(clues(plan, attributes=MEMBER), stores=team, backend=backend)
    assert found.phone == phone
    found = resolve(clues(plan, "Eve77"), stores=team, backend=backend)
    assert found.phone is None
    assert backend.asked == [("member", "M-1"), ("keyword", "Eve77")]


@pytest.mark.parametrize("fault", [VendorThrottledError("429"), UnavailableError("no secret")])
def test_a_back_end_that_fails_says_nothing(
    plan: Banner, team: MapOfLists, fault: Exception
) -> None:
    found = resolve(
        clues(plan, "DanaR111", attributes=MEMBER, items=DANAS_WORD),
        stores=team, backend=BackEnd(fault),
    )  # fmt: skip
    assert (found.wanted, found.vendor_failed) == (Wanted.KNOWN, True)
    assert found.trail[-2:] == ["backend: no answer", "keyword: found"]


@pytest.mark.parametrize("text", ["hello", "I need help now", "STOP"])
def test_the_back_end_is_not_asked_about_words_that_are_no_keyword(
    plan: Banner, team: MapOfLists, text: str
) -> None:
    backend = BackEnd()
    resolve(clues(plan, text), stores=team, backend=backend)
    assert backend.asked == []


def test_a_guesser_is_not_looked_up_any_more(plan: Banner, team: MapOfLists) -> None:
    backend = BackEnd(Found(agent_id=EVE))
    found = resolve(
        clues(plan, "DanaR111", items=DANAS_WORD, may_look_up=False),
        stores=team, backend=backend,
    )  # fmt: skip
    assert (found.wanted, found.missed) == (Wanted.UNKNOWN, False)
    assert found.trail[-1] == "keyword: not tried, too many misses"
    assert backend.asked == []


def test_a_resolver_without_settings_says_nothing(plan: Banner, team: MapOfLists) -> None:
    # The program refuses this; a document of an older version may still hold it.
    routing = plan.routing.model_copy(update={"backend": None, "token": None})
    bare = plan.model_copy(update={"routing": routing})
    found = resolve(clues(bare), stores=team, backend=BackEnd())
    assert found.wanted is Wanted.UNKNOWN
    assert named_paths(bare) == set()


# ------------------------------------------------------------------ identifying

NUMBER = "+12125550123"


def seen(plan: Banner, verified: Any = None, other: Any = None, browser: str = "") -> Identity:
    return identify(verified, unauthenticated=other, browser=browser, banner=plan)


@pytest.mark.parametrize(
    "sdes",
    [
        {"ctmrinfo": {"info": {"imei": "2125550123"}}},
        {"ctmrinfo": {"imei": "+12125550123"}},
        [{"type": "ctmrinfo", "info": {"imei": "12125550123"}}],
        {"events": [{"type": "personal", "personal": {"contacts": [{"phone": NUMBER}]}}]},
        {"personal": {"type": "personal", "personal": {"contacts": [{"phone": "212-555-0123"}]}}},
        {"personalInfo": {"personalInfo": {"contacts": [
            {"personalContact": {"email": "a@b.example.com", "phone": "(212) 555-0123"}}]}}},
        {"customerInfo": {"customerInfo": {"imei": NUMBER}}},
        {"privateData": {"mobileNum": "12125550123"}},
        {"sdes": [{"type": "CUSTOMER_INFO", "customerInfo": {"mobileNumber": NUMBER}}]},
        # A handset's real IMEI is passed over, whatever country code it seems to begin with.
        {"ctmrinfo": {"info": {"imei": "493543546543545"}}, "personal": {"phone": NUMBER}},
        {"personal": {"contacts": [{"phone": "nonsense"}, {}], "mobile": NUMBER}},
    ],
)  # fmt: skip
def test_a_number_is_found_wherever_it_stands(plan: Banner, sdes: Any) -> None:
    assert seen(plan, other=sdes).phone == Phone(NUMBER)
    assert seen(plan, other=sdes).channel is Channel.SMS
    assert seen(plan, verified=sdes).phone == Phone(NUMBER)


def test_a_web_pages_own_words_name_nobody(plan: Banner) -> None:
    forged = {"ctmrinfo": {"imei": NUMBER, "customerId": "M-1"}}
    by_browser = seen(plan, other=forged, browser="CHROME")
    assert by_browser == Identity(Channel.WEB)
    signed_in = seen(plan, verified={"ctmrinfo": {"customerId": "M-2"}}, other=forged)
    assert signed_in == Identity(Channel.WEB, None, {"ctmrinfo.customerId": "M-2"})
    assert seen(plan, other=forged) == Identity(Channel.SMS, Phone(NUMBER))


def test_attributes_are_read_by_meaning(plan: Banner) -> None:
    history = {"customerInfo": {"customerInfo": {"customerId": 77, "ctype": "gold",
                                                 "companyBranch": "", "role": "x"}}}  # fmt: skip
    assert seen(plan, verified=history).attributes == {
        "ctmrinfo.customerId": "77", "ctmrinfo.ctype": "gold",
    }  # fmt: skip
    twice = [{"type": "ctmrinfo", "info": {"ctype": "gold"}},
             {"type": "ctmrinfo", "info": {"ctype": "silver"}}]  # fmt: skip
    assert seen(plan, verified=twice).attributes == {"ctmrinfo.ctype": "gold"}
    long = {"ctmrinfo": {"customerId": "9" * 300}}
    assert seen(plan, verified=long).attributes == {"ctmrinfo.customerId": "9" * 200}


def test_paths_of_their_own_and_truth_values(plan: Banner) -> None:
    token = {"alias_attribute": "sub", "rules": [{"when": {"cart.vip": "true"}, "alias": "Vip1"}]}
    routing = plan.routing.model_copy(update={
        "token": TokenResolver.model_validate(token), "resolvers": ["token"],
    })  # fmt: skip
    banner = plan.model_copy(update={"routing": routing})
    assert named_paths(banner) == {"sub", "cart.vip"}
    sdes = {"sub": "dana1", "cart": {"vip": True, "none": None}}
    assert seen(banner, verified=sdes).attributes == {"sub": "dana1", "cart.vip": "true"}


def test_endless_attributes_end(plan: Banner) -> None:
    deep: Any = {"imei": NUMBER}
    for _ in range(60):
        deep = {"x": deep}
    assert seen(plan, other=deep).phone is None
    wide = [{"imei": "x"}] * 5000 + [{"phone": NUMBER}]
    assert seen(plan, other=wide).phone is None
    for nothing in (None, [], {}, "text", 7):
        assert seen(plan, other=nothing) == Identity(Channel.SMS)
