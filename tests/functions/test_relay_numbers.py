"""Relay numbers from an administrator's request to Twilio and back (R141-R147, C18)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.outreach_rig import phone
from tests.relay_rig import (
    ACCOUNT,
    ANNA,
    ANNA_LOGIN,
    BEN,
    BEN_LOGIN,
    GROUP,
    HEAD,
    LOGINS,
    MAYA,
    POOLS,
    RelayRig,
    refused,
    staff,
)

from instore.directory import Pointer
from instore.errors import (
    VendorGarbageError,
    VendorNotAuthorizedError,
    VendorNotReachedError,
    VendorThrottledError,
)
from instore.model import Phone


@pytest.fixture
def rig(table: Any, clock: Any) -> RelayRig:
    return RelayRig(table, clock)


# ---------------------------------------------------------------- activate


def test_an_associate_gets_a_number_of_the_stores_area_code(rig: RelayRig) -> None:
    ended = rig.activated()
    assert (ended["state"], ended["counts"]) == ("done", {"done": 1})
    (report,) = ended["reports"]
    assert report == {"name": ANNA_LOGIN, "outcome": "done", "state": "active",
                      "number": "+19145550100", "near": "area_code"}  # fmt: skip
    held = rig.line_of()
    assert (held.state, held.number.e164, held.by) == ("active", "+19145550100", HEAD)
    assert [str(deed.state) for deed in held.history] == ["wanted", "buying", "active"]
    assert rig.pool() == {"numbers": 1, POOLS[0]: 1, POOLS[1]: 0}
    assert rig.twilio.asked == ["search", "buy", "add"]
    rig.is_consistent()


def test_whose_number_it_is_is_known_by_number_and_by_associate(rig: RelayRig) -> None:
    rig.activated()
    lines, pointer = rig.services().lines, Pointer(ACCOUNT, GROUP, ANNA)
    line = lines.get(Phone("+19145550100"))
    assert line is not None
    assert line == lines.of(pointer)
    assert (line.pointer, line.answers_to, line.login) == (pointer, pointer, ANNA_LOGIN)
    assert (line.banner, line.service, line.is_active) == ("kay", POOLS[0], True)
    assert lines.get(Phone("+19145550101")) is None
    assert lines.of(Pointer(ACCOUNT, GROUP, BEN)) is None


def test_asked_again_nothing_is_bought(rig: RelayRig) -> None:
    rig.activated()
    again = rig.activated(key="a-2")
    assert rig.verdicts(again) == [(ANNA_LOGIN, "already", None)]
    assert again["reports"][0]["number"] == "+19145550100"
    assert len(rig.twilio.ever) == 1
    rig.is_consistent()


def test_the_same_request_again_is_the_same_run(rig: RelayRig) -> None:
    body = {"logins": [ANNA_LOGIN]}
    first = rig.open("activate", body)
    assert rig.open("activate", body) == first
    assert [run for run, _ in rig.queue.runs] == [first, first]  # a lost message is sent again
    rig.run_all()
    status, answer = rig.ask_relay("POST /relay/activate", body)
    assert (status, answer["id"], answer["state"]) == (200, first, "done")
    status, answer = rig.ask_relay("POST /relay/activate", {"logins": [BEN_LOGIN]})
    assert (status, answer["code"]) == (409, "idempotency_key_reused")
    assert len(rig.twilio.ever) == 1


def test_a_whole_store_is_activated_without_its_disabled_people(rig: RelayRig) -> None:
    rig.write_store(staff(extra=3))
    ended = rig.did("activate", {"stores": [GROUP]})
    assert ended["counts"] == {"done": 5}
    assert {r["name"] for r in ended["reports"]} == {
        ANNA_LOGIN, BEN_LOGIN, *(f"a{n}@kay.example.com" for n in range(3))}  # fmt: skip
    assert len({r["number"] for r in ended["reports"]}) == 5
    rig.is_consistent()


@pytest.mark.parametrize("text", [
    f"login\n{ANNA_LOGIN}\n{BEN_LOGIN.upper()}\n\n{ANNA_LOGIN}\n",
    f"Name;Associate Login\r\nAnna;{ANNA_LOGIN}\r\nBen;{BEN_LOGIN}\r\n",
    f"store\n{GROUP}\n", f"agent_group\n{ACCOUNT}/{GROUP}\n",
])  # fmt: skip
def test_a_file_names_logins_or_stores(rig: RelayRig, text: str) -> None:
    ended = rig.did("activate", {"csv": text})
    assert sorted(r["name"].lower() for r in ended["reports"]) == [ANNA_LOGIN, BEN_LOGIN]
    assert ended["counts"] == {"done": 2}


@pytest.mark.parametrize(("body", "code"), [
    ({"csv": "name,colour\na,b\n"}, "columns_unclear"),
    ({"csv": f"login,store\n{ANNA_LOGIN},{GROUP}\n"}, "columns_unclear"),
    ({"csv": "login\n"}, "no_rows"), ({"csv": "\n"}, "file_empty"),
    ({"csv": "login\n" + "".join(f"a{n}@x.example.com\n" for n in range(1001))}, "too_many_rows"),
    ({"stores": ["4999"]}, "unknown_store"), ({"logins": []}, "bad_request"),
    ({"logins": [ANNA_LOGIN], "stores": [GROUP]}, "bad_request"), ({}, "bad_request"),
    ({"logins": [7]}, "bad_request"), ({"logins": [ANNA_LOGIN], "who": 1}, "bad_request"),
])  # fmt: skip
def test_a_request_about_nobody_is_refused(rig: RelayRig, body: Any, code: str) -> None:
    status, answer = rig.ask_relay("POST /relay/activate", body)
    assert status in (400, 404)
    assert answer["code"] == code
    assert rig.queue.runs == []


def test_each_row_says_why_not(rig: RelayRig) -> None:
    rig.write_store(staff())
    ended = rig.activated("nobody@kay.example.com", "gone@kay.example.com", ANNA_LOGIN)
    assert rig.verdicts(ended) == [
        ("nobody@kay.example.com", "refused", "unknown_associate"),
        ("gone@kay.example.com", "refused", "associate_disabled"),
        (ANNA_LOGIN, "done", None),
    ]  # fmt: skip
    assert ended["counts"] == {"unknown_associate": 1, "associate_disabled": 1, "done": 1}
    assert ended["reports"][1]["why"] == "The associate's login is disabled in LivePerson."


def test_a_program_without_a_line_and_a_shared_banner_buy_nothing(rig: RelayRig) -> None:
    rig.apply()
    assert rig.verdicts(rig.activated()) == [(ANNA_LOGIN, "refused", "line_off")]
    rig.with_line()

    rig.with_line(strategy="shared")
    assert rig.verdicts(rig.activated(key="a-2")) == [(ANNA_LOGIN, "refused", "number_shared")]
    assert rig.twilio.asked == []


def test_the_search_widens_until_there_is_a_number(rig: RelayRig) -> None:
    rig.twilio.sale = {"212": ["+12125550140"]}
    rig.twilio.regions = {"NY": ["+15185550101"]}
    (report,) = rig.activated()["reports"]
    assert (report["number"], report["near"]) == ("+12125550140", "neighbour")
    rig.twilio.near = ["+19145550150"]
    (report,) = rig.activated(BEN_LOGIN, key="a-2")["reports"]
    assert (report["number"], report["near"]) == ("+19145550150", "nearby")
    rig.write_store(staff(extra=3))
    (report,) = rig.activated("a0@kay.example.com", key="a-3")["reports"]
    assert (report["number"], report["near"]) == ("+15185550101", "region")
    (report,) = rig.activated("a1@kay.example.com", key="a-4")["reports"]
    assert (report["outcome"], report["reason"]) == ("refused", "no_number")
    assert rig.line_of("301").state == "released"
    rig.is_consistent()
    rig.twilio.by_postal = ["+19145550160"]
    (report,) = rig.activated("a1@kay.example.com", key="a-5")["reports"]
    assert (report["number"], report["near"]) == ("+19145550160", "postal_code")
    rig.is_consistent()


def test_a_toll_free_number_is_never_bought(rig: RelayRig) -> None:
    rig.twilio.sale = {"914": ["+18885550100", "+18335550101"]}
    assert rig.verdicts(rig.activated()) == [(ANNA_LOGIN, "refused", "no_number")]
    assert rig.twilio.ever == []
    assert rig.pool()["numbers"] == 0


def test_a_number_that_was_ours_is_never_bought_again(rig: RelayRig) -> None:
    rig.activated()
    rig.deactivated(key="d-1")
    rig.released(key="r-1", force=True)
    assert rig.twilio.owns == {}
    ended = rig.activated(BEN_LOGIN, ANNA_LOGIN, key="a-2")
    assert [r["number"] for r in ended["reports"]] == ["+19145550101", "+19145550102"]
    rig.is_consistent()


def test_who_wants_a_number_that_is_gone_takes_the_next(rig: RelayRig) -> None:
    for code in (21422, 21421):
        rig.twilio.fail("buy", refused(code))
    (report,) = rig.activated()["reports"]
    assert report["number"] == "+19145550102"
    assert rig.twilio.ever == ["+19145550102"]
    rig.is_consistent()


def test_two_who_want_the_same_number_get_two(rig: RelayRig) -> None:
    """Ben's whole run happens between Anna's search and her purchase."""

    def ben_first(name: str) -> None:
        if name == "buy":
            rig.twilio.before = lambda _: None
            ben = rig.open("activate", {"logins": [BEN_LOGIN]}, key="b-1")
            rig.run(ben)

    rig.twilio.before = ben_first
    rig.activated()
    assert rig.line_of(BEN).number.e164 == "+19145550100"
    assert rig.line_of(ANNA).number.e164 == "+19145550101"
    rig.is_consistent()


# ---------------------------------------------------------------- pool


def test_the_pool_is_never_larger_than_the_program_allows(rig: RelayRig) -> None:
    rig.write_store(staff(extra=3))
    rig.with_line(most_numbers=2)
    ended = rig.did("activate", {"stores": [GROUP]})
    assert ended["counts"] == {"done": 2, "pool_full": 3}
    rig.is_consistent()
    rig.with_line(most_numbers=3)
    assert rig.did("activate", {"stores": [GROUP]}, key="a-2")["counts"] == {
        "already": 2, "done": 1, "pool_full": 2}  # fmt: skip
    rig.is_consistent()


def test_services_are_filled_one_after_the_other(rig: RelayRig) -> None:
    rig.write_store(staff(extra=3))
    rig.with_line(senders_per_service=2)
    ended = rig.did("activate", {"stores": [GROUP]})
    assert ended["counts"] == {"done": 4, "pool_full": 1}
    assert rig.pool() == {"numbers": 4, POOLS[0]: 2, POOLS[1]: 2}
    rig.is_consistent()


def test_a_service_that_twilio_calls_full_is_believed(rig: RelayRig) -> None:
    rig.twilio.full = {POOLS[0]}
    rig.activated()
    assert rig.line_of().service == POOLS[1]
    assert rig.pool() == {"numbers": 1, POOLS[0]: 400, POOLS[1]: 1}
    rig.twilio.full = set(POOLS)
    ended = rig.activated(BEN_LOGIN, key="a-2")
    assert (ended["reports"][0]["reason"], ended["reports"][0]["twilio_code"]) == (
        "twilio_refused", 21714)  # fmt: skip


def test_without_services_numbers_send_for_themselves(rig: RelayRig) -> None:
    rig.with_line(messaging_services=[])
    rig.activated()
    assert (rig.line_of().state, rig.line_of().service) == ("active", None)
    assert rig.twilio.asked == ["search", "buy"]
    assert rig.pool()["numbers"] == 1


# ---------------------------------------------------------------- dry run


def test_a_dry_run_says_what_would_be_bought_and_writes_nothing(rig: RelayRig) -> None:
    rig.write_store(staff(extra=2))
    rig.activated()
    rig.with_line(most_numbers=3)
    rig.twilio.asked.clear()
    ended = rig.did("activate", {"stores": [GROUP], "dry_run": True}, key="dry")
    assert (ended["dry_run"], ended["counts"]) == (True, {"already": 1, "would": 2, "pool_full": 1})
    first = next(r for r in ended["reports"] if r["outcome"] == "would")
    assert (first["near"], first["place"], first["number"]) == (
        "area_code", "Yonkers, NY", "+19145550101")  # fmt: skip
    assert set(rig.twilio.asked) == {"search"}
    assert rig.line_of(BEN) is None
    assert rig.pool()["numbers"] == 1


def test_a_dry_run_knows_refusals_and_old_numbers(rig: RelayRig) -> None:
    rig.activated()
    rig.deactivated(key="d-1")
    rig.twilio.sale = {}
    ended = rig.did("activate", {"logins": [ANNA_LOGIN, BEN_LOGIN, LOGINS["203"]],
                                 "dry_run": True}, key="dry")  # fmt: skip
    assert rig.verdicts(ended) == [(ANNA_LOGIN, "would", "revived"),
                                   (BEN_LOGIN, "refused", "no_number"),
                                   (LOGINS["203"], "refused", "associate_disabled")]  # fmt: skip
    assert rig.line_of().state == "quarantined"


# ---------------------------------------------------------------- vendor troubles


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize("error", [None, VendorGarbageError("not JSON")])
def test_a_purchase_without_an_answer_is_looked_for_before_another(
    rig: RelayRig, error: Exception | None, taken: bool
) -> None:
    rig.twilio.fail("buy", error, taken=taken)
    run = rig.open("activate", {"logins": [ANNA_LOGIN]})
    rig.run(rig.queue.runs.pop(0)[0])
    shown = rig.look(run)
    assert (shown["state"], shown["rows"]) == ("running", {"done": 1, "of": 1, "pending": 1})
    assert shown["reports"][0]["reason"] == "unclear"
    assert rig.line_of().state == "buying"
    rig.run_all()
    ended = rig.look(run)
    assert ended["reports"][0]["outcome"] == "done"
    assert ended["reports"][0].get("reason") == ("adopted" if taken else None)
    assert rig.twilio.ever == ["+19145550100"]
    rig.is_consistent()


def test_a_purchase_that_shows_late_is_not_made_again(rig: RelayRig) -> None:
    """Twilio lists it only after 40 s: asked in between, nobody buys."""
    rig.twilio.fail("buy", taken=True)
    rig.twilio.hidden = {f"PN{1:032x}"}
    first = rig.open("activate", {"logins": [ANNA_LOGIN]})
    rig.run(first)
    for key in ("a-2", "a-3"):
        rig.clock.advance(20)
        rig.run(rig.open("activate", {"logins": [ANNA_LOGIN]}, key=key))
    assert len(rig.twilio.ever) == 1
    rig.twilio.hidden = set()
    rig.run_all()
    assert rig.look(first)["reports"][0]["outcome"] in ("done", "already")
    assert len(rig.twilio.ever) == 1
    rig.is_consistent()


@pytest.mark.parametrize("call", ["search", "buy", "add"])
@pytest.mark.parametrize("error", [VendorThrottledError("429"), VendorNotReachedError("refused")])
def test_a_busy_twilio_is_asked_again_in_a_minute(
    rig: RelayRig, call: str, error: Exception
) -> None:
    rig.twilio.fail(call, error)
    run = rig.open("activate", {"logins": [ANNA_LOGIN]})
    rig.run(rig.queue.runs.pop(0)[0])
    assert rig.look(run)["reports"][0]["reason"] == "vendor_away"
    assert rig.queue.runs == [(run, 65)]
    rig.run_all()
    assert rig.look(run)["counts"] == {"done": 1}
    assert len(rig.twilio.ever) == 1
    rig.is_consistent()


def test_a_run_gives_up_at_last_and_the_next_one_goes_on(rig: RelayRig) -> None:
    for _ in range(40):
        rig.twilio.fail("search", VendorThrottledError("429"))
    ended = rig.activated()
    assert rig.verdicts(ended) == [(ANNA_LOGIN, "refused", "gave_up")]
    assert rig.pool()["numbers"] == 1  # the place is kept for who asks again
    rig.twilio.failures.clear()
    assert rig.verdicts(rig.activated(key="a-2")) == [(ANNA_LOGIN, "done", None)]
    rig.is_consistent()


def test_what_would_fail_for_everybody_stops_the_run(rig: RelayRig) -> None:
    rig.twilio.fail("search", VendorNotAuthorizedError("401"))
    ended = rig.activated(ANNA_LOGIN, BEN_LOGIN)
    assert (ended["state"], ended["failure"]["code"]) == ("failed", "vendor_not_authorized")
    assert ended["reports"] == []
    assert rig.activated(ANNA_LOGIN, BEN_LOGIN, key="a-2")["counts"] == {"done": 2}
    rig.is_consistent()


def test_a_refusal_of_one_row_is_that_rows_own(rig: RelayRig) -> None:
    rig.twilio.fail("add", refused(21712))
    ended = rig.activated(ANNA_LOGIN, BEN_LOGIN)
    assert rig.verdicts(ended) == [(ANNA_LOGIN, "refused", "twilio_refused"),
                                   (BEN_LOGIN, "done", None)]  # fmt: skip
    assert ended["reports"][0]["twilio_code"] == 21712
    again = rig.activated(key="a-2")
    assert rig.verdicts(again) == [(ANNA_LOGIN, "done", "adopted")]
    assert len(rig.twilio.ever) == 2
    rig.is_consistent()


def test_addresses_that_somebody_changed_are_set_again_on_adoption(rig: RelayRig) -> None:
    rig.twilio.fail("buy", taken=True)
    run = rig.open("activate", {"logins": [ANNA_LOGIN]})
    rig.run(rig.queue.runs.pop(0)[0])
    sid = f"PN{1:032x}"
    rig.twilio.configure(None, sid=sid, sms_url="https://elsewhere.example.com")
    rig.run_all()
    assert rig.look(run)["counts"] == {"done": 1}
    rig.is_consistent()


def test_of_two_bought_one_is_kept_and_one_given_back(rig: RelayRig) -> None:
    """Should the rule of a minute ever fail: the purchase of the first try shows up later."""
    rig.twilio.fail("buy", taken=True)
    rig.twilio.hidden = {f"PN{1:032x}"}
    rig.run(rig.open("activate", {"logins": [ANNA_LOGIN]}))
    rig.queue.runs.clear()
    rig.clock.advance(61)
    rig.twilio.fail("buy", taken=True)  # the second purchase, and its answer is lost as well
    rig.run(rig.open("activate", {"logins": [ANNA_LOGIN]}, key="a-2"))
    assert len(rig.twilio.ever) == 2
    rig.twilio.hidden = set()
    rig.run_all()
    assert len(rig.twilio.owns) == 1
    assert len(rig.twilio.released) == 1
    rig.is_consistent()


def test_a_number_out_of_service_is_set_up_anew_or_replaced(rig: RelayRig) -> None:
    rig.activated()
    rig.services().texts.lose_number(Phone("+19145550100"), code=21606, now=rig.clock.now())
    status, shown = rig.ask_relay("GET /relay/{login}", path={"login": ANNA_LOGIN}, key=None)
    assert (status, shown["out_of_service"]) == (200, True)
    rig.twilio.members.clear()
    assert rig.verdicts(rig.activated(key="a-2")) == [(ANNA_LOGIN, "done", "repaired")]
    rig.is_consistent()
    assert rig.verdicts(rig.activated(key="a-3")) == [(ANNA_LOGIN, "already", None)]
    rig.services().texts.lose_number(Phone("+19145550100"), code=21606, now=rig.clock.now())
    rig.twilio.owns.clear()
    rig.twilio.members.clear()
    (report,) = rig.activated(key="a-4")["reports"]
    assert (report["outcome"], report["number"]) == ("done", "+19145550101")
    rig.is_consistent()


# ---------------------------------------------------------------- runs


def test_a_run_hands_itself_on_when_its_time_is_over(rig: RelayRig) -> None:
    rig.write_store(staff(extra=4))
    rig.remaining_s = 10.0
    run = rig.open("activate", {"stores": [GROUP]})
    rig.run(rig.queue.runs.pop(0)[0])
    assert rig.queue.runs == [(run, 0)]
    assert rig.look(run)["rows"] == {"done": 0, "of": 6, "pending": 0}
    rig.remaining_s = 120.0
    rig.run_all()
    assert rig.look(run)["counts"] == {"done": 6}
    rig.is_consistent()


def test_redelivery_of_a_finished_run_and_strange_messages(rig: RelayRig) -> None:
    from tests.outreach_rig import sqs_event

    from relay_bulk import app

    run = rig.open("activate", {"logins": [ANNA_LOGIN]})
    rig.run_all()
    calls = len(rig.twilio.asked)
    assert rig.run(run) == {"batchItemFailures": []}
    assert rig.run("f" * 24) == {"batchItemFailures": []}
    assert len(rig.twilio.asked) == calls
    with rig.process():
        answer = app.handler(sqs_event(["nonsense", "[]", '{"run": 7}', '{"import": "i"}']),
                             rig.context())  # fmt: skip
    assert len(answer["batchItemFailures"]) == 4


def test_while_one_works_another_delivery_does_nothing(rig: RelayRig) -> None:
    run = rig.open("activate", {"logins": [ANNA_LOGIN]})

    def again(name: str) -> None:
        rig.twilio.before = lambda _: None
        assert rig.run(run) == {"batchItemFailures": []}
        assert rig.twilio.asked == ["search"]

    rig.twilio.before = again
    rig.run_all()
    assert rig.twilio.asked == ["search", "buy", "add"]
    rig.is_consistent()


def test_an_interrupted_run_comes_again(rig: RelayRig) -> None:
    run = rig.open("activate", {"logins": [ANNA_LOGIN]})
    stored = rig.table.get("PROGRAM", "CURRENT")
    assert stored is not None
    rig.table.delete("PROGRAM", "CURRENT")
    assert rig.run(run)["batchItemFailures"] != []
    rig.table.put(stored)
    rig.run_all()
    assert rig.look(run)["counts"] == {"done": 1}


def test_phone_of_a_customer_is_in_no_item_of_a_line(rig: RelayRig) -> None:
    rig.activated()
    number = phone(3)
    customer = rig.customer(number)
    lines = rig.services().lines
    for _ in range(2):
        lines.met(Phone("+19145550100"), customer=customer)
    assert list(lines.customers_of(Phone("+19145550100"))) == [customer]
    items = rig.table.query("LINE#+19145550100")
    assert len(items) == 2
    assert number not in str(items)
    assert MAYA not in str(items)


# ---------------------------------------------------------------- rare moments


def test_a_lost_minute_between_note_and_purchase_buys_nothing(rig: RelayRig) -> None:
    """The process stood still right after its note: somebody may soon hold that purchase for lost."""
    lines = rig.services().lines
    house_save = type(lines).save

    def slow(self: Any, changed: Any) -> Any:
        saved = house_save(self, changed)
        if saved is not None and saved.state == "buying" and rig.twilio.ever == []:
            rig.clock.advance(11)
        return saved

    type(lines).save = slow  # type: ignore[method-assign]  # a pause of the machine
    try:
        run = rig.open("activate", {"logins": [ANNA_LOGIN]})
        rig.run(rig.queue.runs.pop(0)[0])
    finally:
        type(lines).save = house_save  # type: ignore[method-assign]  # and it goes on
    assert rig.look(run)["reports"][0]["reason"] == "unclear"
    assert rig.twilio.ever == []
    rig.run_all()
    assert rig.look(run)["counts"] == {"done": 1}
    rig.is_consistent()


def test_where_everything_is_snatched_away_others_have_their_turn(rig: RelayRig) -> None:
    rig.twilio.sale["212"] = [f"+121255501{n:02d}" for n in range(40, 60)]
    for _ in range(15):
        rig.twilio.fail("buy", refused(21422))
    run = rig.open("activate", {"logins": [ANNA_LOGIN]})
    rig.run(rig.queue.runs.pop(0)[0])
    assert rig.look(run)["reports"][0]["reason"] == "sold_meanwhile"
    assert rig.twilio.asked.count("buy") == 15
    rig.run_all()
    assert rig.look(run)["counts"] == {"done": 1}
    rig.is_consistent()


def test_a_way_of_searching_that_twilio_refuses_is_left_out(rig: RelayRig) -> None:
    rig.twilio.sale["212"] = ["+12125550140"]
    rig.twilio.fail("search", refused(21452))
    (report,) = rig.activated()["reports"]
    assert (report["outcome"], report["near"]) == ("done", "neighbour")
    rig.twilio.fail("search", refused(21408))
    ended = rig.activated(BEN_LOGIN, key="a-2")
    assert (ended["state"], ended["failure"]["code"]) == ("failed", "twilio_refused")


def test_a_purchase_that_twilio_refuses_for_everybody_stops_the_run(rig: RelayRig) -> None:
    rig.twilio.fail("buy", refused(21701))
    ended = rig.activated(ANNA_LOGIN, BEN_LOGIN)
    assert (ended["state"], ended["failure"]["code"]) == ("failed", "twilio_refused")
    assert rig.activated(ANNA_LOGIN, BEN_LOGIN, key="a-2")["counts"] == {"done": 2}
    rig.is_consistent()


def test_a_dry_run_of_who_is_just_being_released(rig: RelayRig) -> None:
    rig.activated()
    rig.deactivated(key="d-1")
    rig.twilio.fail("release", taken=True)
    rig.run(rig.open("release", {"logins": [ANNA_LOGIN], "force": True}, key="r-1"))
    dry = rig.open("activate", {"logins": [ANNA_LOGIN], "dry_run": True}, key="dry")
    rig.run(dry)
    assert rig.verdicts(rig.look(dry)) == [(ANNA_LOGIN, "refused", "being_released")]


def test_who_loses_every_race_leaves_it_to_the_next_delivery(
    rig: RelayRig, monkeypatch: Any
) -> None:
    from instore.adapters.lines import Lines

    rig.activated()
    save = Lines.save
    monkeypatch.setattr(Lines, "save", lambda self, changed: None)
    for what, key in (("activate", "a-2"), ("deactivate", "d-1")):
        run = rig.open(what, {"logins": [BEN_LOGIN if what == "activate" else ANNA_LOGIN]}, key=key)
        assert rig.run(run)["batchItemFailures"] != []
    monkeypatch.setattr(Lines, "save", save)
    rig.clock.advance(200)
    rig.run_all()
    assert (rig.line_of(BEN).state, rig.line_of(ANNA).state) == ("active", "quarantined")
    release = rig.open("release", {"logins": [ANNA_LOGIN], "force": True}, key="r-1")
    monkeypatch.setattr(Lines, "save", lambda self, changed: None)
    assert rig.run(release)["batchItemFailures"] != []


def test_a_line_taken_out_of_the_program_still_ends_its_numbers_later(rig: RelayRig) -> None:
    """Without a line nobody knows the account: nothing is lost, and it is tried again."""
    rig.activated()
    rig.apply()
    run = rig.open("deactivate", {"logins": [ANNA_LOGIN]}, key="d-1")
    assert rig.run(run)["batchItemFailures"] != []
    assert rig.line_of().state == "active"
    rig.with_line()
    rig.clock.advance(200)
    rig.run_all()
    assert rig.look(run)["counts"] == {"done": 1}
