"""Privacy requests (I10): what an erasure takes and leaves, what an export shows, who may ask."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from tests.outreach_rig import ACCOUNT, ANNA, GROUP, Killed, Rig, phone
from tests.privacy_rig import (
    ANA,
    CASE,
    FIRST_NAME,
    FORM,
    REASON,
    SCOPES,
    STOPWORDS,
    TOMBSTONE,
    consent,
    converse,
    customers_of,
    desk,
    entries,
    erase,
    everything,
    export,
    finish,
    item_of,
    left_of,
    name_of,
    starts,
    text,
    verifies,
)  # fmt: skip

from instore.adapters.conversations import Conversations
from instore.adapters.table import Table
from instore.conversation import Answer, State
from instore.directory import Pointer
from instore.model import Phone, iso
from instore.receipts import decision_text, stored_decision
from instore.routing import decide


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return Rig(table, clock)


# ------------------------------------------------------------------ what goes, what stays
def test_a_number_never_seen_is_blocked_from_then_on(rig: Rig) -> None:
    status, body = erase(rig)
    assert (status, body) == (200, {
        "customer": name_of(rig), "erased_at": iso(rig.clock.now()), "entries": 0, "texts": 0,
        "conversations": [], "waiting": [],
    })  # fmt: skip
    finish(rig)
    assert set(item_of(rig)) == TOMBSTONE
    consent(rig)  # a form that an associate enters
    _, answer = text(rig)
    assert [row["reason"] for row in answer["rows"]] == ["erased"]
    assert rig.ask("POST /outreach/check", {"phone": ANA})[1]["reason"] == "erased"


def test_everything_goes_but_what_blocks_and_what_proves(rig: Rig) -> None:
    consent(rig)
    customers_of(rig).bind(name_of(rig), phone=Phone(ANA), banner="kay", now=rig.clock.now(),
                           pointer=Pointer(ACCOUNT, GROUP, ANNA), source="routed")  # fmt: skip
    first = text(rig)
    assert first[1]["rows"][0]["status"] == "accepted"
    converse(rig)
    assert left_of(rig) != []
    before = entries(rig)
    status, body = erase(rig)
    assert (status, body["entries"], body["texts"], body["waiting"]) == (200, 1, 1, [])
    assert body["conversations"] == [{"account": ACCOUNT, "conversation": "c-1"}]
    assert left_of(rig) == []
    assert set(item_of(rig)) == TOMBSTONE | {"erasing", "due_shard", "due_at"}
    finish(rig)
    assert left_of(rig) == []
    assert set(item_of(rig)) == TOMBSTONE
    assert verifies(rig)
    consented, erased = entries(rig)
    gone = {"wording", "evidence", "salt"}
    assert {name: before[0][name] for name in before[0].keys() - gone} | {"erased": True} == (
        consented
    )
    assert (erased["what"], erased["banner"], erased["scope"], erased["evidence"], erased["who"],
            erased["at"]) == (
        "erased", "*", "all", REASON, "privacy@kay.example.com", body["erased_at"])  # fmt: skip
    conversation = rig.table.get(f"CONVERSATION#{ACCOUNT}#c-1", "CONVERSATION") or {}
    assert not conversation.keys() & {"phone", "consumer", "attributes", "answer"}
    assert stored_decision(conversation["receipt"]) == decide(CASE)
    assert (conversation["customer"], conversation["turn"]) == (name_of(rig), 2)
    rig.settle(10)
    assert rig.vendor.texts == {}
    assert rig.item(first[1]["id"])["state"] == "closed"


def test_a_row_that_was_erased_is_explained_and_answered_as_before(rig: Rig) -> None:
    """The associate's view: masked number and reason; the same request, the same bytes (replay)."""
    rig.customers(2)
    consent(rig)
    first = text(rig, ANA, phone(1))
    erase(rig)
    batch_id = first[1]["id"]
    _, seen = rig.ask("GET /outreach/{id}", path={"id": batch_id})
    assert [(r["status"], r.get("reason"), r["phone"]) for r in seen["rows"]] == [
        ("blocked", "erased", "+1…00"), ("accepted", None, "+1…01")]  # fmt: skip
    assert text(rig, ANA, phone(1)) == first
    rig.settle(10)
    assert rig.vendor.texts == {phone(1)[1:]: 1}
    assert text(rig, ANA, phone(1)) == first
    assert rig.used() == 2


def test_a_deferred_row_leaves_the_others_their_hour(rig: Rig) -> None:
    rig.customers(2)
    rig.clock.advance(8.5 * 3600)
    first = text(rig, ANA, phone(1))
    assert first[1]["state"] == "deferred"
    before = rig.item(first[1]["id"])
    assert erase(rig)[1]["texts"] == 1
    after = rig.item(first[1]["id"])
    assert (after["state"], after["due_at"], rig.states(first[1]["id"])) == (
        "deferred", before["due_at"], ["blocked", "deferred"])  # fmt: skip
    assert text(rig, ANA, phone(1)) == first
    assert left_of(rig) == [f"BATCH#{first[1]['id']} BATCH"]  # the other row's variables
    rig.clock.advance(14.5 * 3600)
    rig.settle(10)
    assert rig.vendor.texts == {phone(1)[1:]: 1}


def test_a_batch_of_deferred_rows_alone_is_closed(rig: Rig) -> None:
    rig.customers(1)
    rig.clock.advance(8.5 * 3600)
    batch_id = text(rig)[1]["id"]
    erase(rig)
    assert rig.item(batch_id)["state"] == "submitted"
    rig.sweep()
    assert rig.item(batch_id)["state"] == "closed"
    assert "due_at" not in rig.item(batch_id)
    assert rig.vendor.asked == []


def test_of_now_and_later_only_later_is_left(rig: Rig) -> None:
    """An accepted row erased beside a deferred one: the batch waits for the deferred one."""
    consent(rig)
    rig.customer(phone(1), consent="one_to_one")
    rig.customer(phone(1), zone="Pacific/Honolulu")
    _, answer = text(rig, ANA, phone(1))
    assert [row["status"] for row in answer["rows"]] == ["accepted", "deferred"]
    erase(rig)
    item = rig.item(answer["id"])
    assert (item["state"], item["due_at"]) == ("deferred", item["rows"][1]["u"])


def test_the_same_request_again_adds_nothing_to_the_ledger(rig: Rig) -> None:
    consent(rig)
    first = erase(rig)[1]
    rig.clock.advance(3600)
    again = erase(rig)[1]
    assert again == {**first, "entries": 0}
    finish(rig)
    assert set(item_of(rig)) == TOMBSTONE
    assert erase(rig)[1] == again
    finish(rig)
    assert set(item_of(rig)) == TOMBSTONE
    assert [entry["what"] for entry in entries(rig)] == ["one_to_one", "erased"]
    assert verifies(rig)


def test_what_a_customer_says_after_an_erasure_takes_another_request(rig: Rig) -> None:
    """A conversation they begin later is their own doing and stays theirs until they ask again."""
    erase(rig)
    rig.clock.advance(60)
    converse(rig, "c-2")
    finish(rig)
    assert left_of(rig) == [f"CONVERSATION#{ACCOUNT}#c-2 CONVERSATION"]
    assert erase(rig)[1]["conversations"] == [{"account": ACCOUNT, "conversation": "c-2"}]
    assert left_of(rig) == []


def test_numbers_leave_a_batch_when_the_text_has_gone(rig: Rig) -> None:
    """Not only for those who ask: what nobody needs any more nobody keeps."""
    rig.customers(2)
    rig.vendor.refuse = {phone(1)[1:]: "INVALID_NUMBER"}
    _, answer = text(rig, ANA, phone(1), phone(9))
    rows = rig.item(answer["id"])["rows"]
    assert [("p" in row, "v" in row, "q" in row, row.get("c"), row.get("m")) for row in rows] == [
        (True, True, True, None, None), (True, True, True, None, None),
        (False, False, False, name_of(rig, phone(9)), "+1…09")]  # fmt: skip
    rig.deliver()
    rows = rig.item(answer["id"])["rows"]
    assert [(row["s"], row["c"], row["m"], len(row.keys() & {"p", "v", "z", "q"}))
            for row in rows] == [
        ("sent", name_of(rig), "+1…00", 0), ("rejected", name_of(rig, phone(1)), "+1…01", 0),
        ("blocked", name_of(rig, phone(9)), "+1…09", 0)]  # fmt: skip
    assert [rig.leased(phone(n)) for n in range(2)] == [True, False]
    rig.settle(60)
    assert rig.item(answer["id"])["state"] == "closed"


def test_a_number_cannot_be_tried_out_on_a_batch(rig: Rig) -> None:
    """The request's fingerprint stays for the replay; without the stack's key it tells nothing."""
    from instore.model import fingerprint

    rig.customers(1)
    stored = rig.item(text(rig)[1]["id"])["fingerprint"]
    guess = fingerprint(["new-arrivals", [[ANA, [FIRST_NAME, "Kay"], None, "10704"]]])
    assert stored == customers_of(rig).sealed(guess)
    assert stored != guess
    assert len(stored) == 32


# ------------------------------------------------------------------ under way at that moment
def test_a_text_on_its_way_is_sent_once_and_loses_its_number(rig: Rig) -> None:
    """Erased in the middle of the vendor call: the row stays what it became, the number goes with
    its settlement, the other row is blocked, and the sweep ends it."""
    rig.apply(lambda d: d["outreach"].update(chunk=1))
    rig.customers(1)
    consent(rig)
    answers: list[Any] = []
    start = rig.vendor._start

    def meanwhile(campaign: Any) -> Any:
        if not answers:
            answers.append(erase(rig))
        return start(campaign)

    rig.vendor._start = meanwhile
    batch_id = text(rig, ANA)[1]["id"]
    rig.deliver()
    status, body = answers[0]
    assert (status, body["waiting"], body["texts"]) == (202, [batch_id], 0)
    assert rig.states(batch_id) == ["sent"]
    assert left_of(rig) == []
    assert rig.vendor.texts == {ANA[1:]: 1}
    finish(rig)
    assert set(item_of(rig)) == TOMBSTONE


def test_a_claim_that_died_is_waited_for(rig: Rig) -> None:
    """The sender was killed with its claim: nobody may take the row from it before it runs out."""
    consent(rig)
    rig.customers(2)
    rig.apply(lambda d: d["outreach"].update(chunk=1))
    batch_id = text(rig, phone(1), ANA)[1]["id"]
    waiting = rig.queue.take()
    _kill_at_claim(rig, waiting)
    status, body = erase(rig)
    assert (status, body["waiting"]) == (202, [batch_id])
    assert "p" in rig.item(batch_id)["rows"][1]  # it was not part of the claim, and still waits
    assert text(rig, phone(1), ANA)[0] == 202
    rig.clock.advance(301)
    rig.sweep()  # claim expired: unknown; then the erasure looks again
    rig.clock.advance(301)
    rig.sweep()
    assert rig.states(batch_id)[1] == "blocked"
    assert left_of(rig) == []
    assert set(item_of(rig)) == TOMBSTONE
    assert rig.vendor.texts == {}


def _kill_at_claim(rig: Rig, waiting: list[str]) -> None:
    """Deliver and die right after the claim was written."""
    for n in range(20):
        rig.boundaries.reset(n, after=True)
        with suppress(Killed):
            rig.deliver(waiting)
        (batch_id,) = waiting
        if rig.item(batch_id)["state"] == "claimed":
            rig.boundaries.reset()
            return
    raise AssertionError("no claim")


def test_a_batch_nobody_can_read_is_an_error_and_not_a_success(rig: Rig) -> None:
    consent(rig)
    batch_id = text(rig)[1]["id"]
    item = rig.item(batch_id)
    rig.table.put({**item, "state": "of a newer version"})
    status, body = erase(rig)
    assert (status, body["code"]) == (503, "unavailable")
    assert rig.ask("POST /outreach/check", {"phone": ANA})[1]["reason"] == "erased"
    rig.clock.advance(301)
    assert rig.sweep()["failed"] >= 1
    assert "erasing" in item_of(rig)  # still due
    rig.table.put(item)
    rig.sweep()
    assert set(item_of(rig)) == TOMBSTONE
    assert left_of(rig) == []


# ------------------------------------------------------------------ beginning anew
def says(rig: Rig) -> str | None:
    answer = rig.ask("POST /outreach/check", {"phone": ANA})[1]
    return None if answer["allowed"] else answer["reason"]


def test_an_associates_entry_alone_lifts_nothing(rig: Rig) -> None:
    consent(rig)
    erase(rig)
    rig.clock.advance(60)
    consent(rig)
    assert says(rig) == "erased"
    assert not item_of(rig).keys() & {"phone", "zone", "postal_code", "bindings"}
    assert entries(rig)[-1]["wording"] == f"Yes, {FIRST_NAME}."  # the proof of the new decision
    assert verifies(rig)


def test_a_second_request_takes_what_was_entered_since(rig: Rig) -> None:
    """The sweep of the first leaves it alone: it is the proof of a new decision."""
    consent(rig)
    erase(rig)
    rig.clock.advance(60)
    consent(rig)
    finish(rig)
    assert [e.get("wording") for e in entries(rig)] == [None, None, f"Yes, {FIRST_NAME}."]
    assert set(item_of(rig)["consents"]) == {"kay"}
    assert erase(rig)[1]["entries"] == 1
    finish(rig)
    assert set(item_of(rig)) == TOMBSTONE
    assert [e["what"] for e in entries(rig)] == ["one_to_one", "erased", "one_to_one", "erased"]
    assert left_of(rig) == []
    assert verifies(rig)


def test_consent_and_then_their_own_start_begin_anew(rig: Rig) -> None:
    erase(rig)
    finish(rig)
    consent(rig)
    assert starts(rig)
    assert says(rig) is None
    assert item_of(rig)["back_at"] == iso(rig.clock.now())
    _, answer = text(rig)
    assert answer["rows"][0]["status"] == "accepted"
    assert item_of(rig)["phone"] == ANA
    assert [e["what"] for e in entries(rig)] == ["erased", "one_to_one", "restored"]
    assert verifies(rig)
    rig.clock.advance(60)
    assert erase(rig)[1]["texts"] == 1  # and may be erased again
    assert says(rig) == "erased"
    assert left_of(rig) == []
    assert [e["what"] for e in entries(rig)][-1] == "erased"


def test_start_alone_ends_the_tombstone_and_consents_to_nothing(rig: Rig) -> None:
    consent(rig)
    erase(rig)
    rig.clock.advance(60)
    assert starts(rig)
    assert says(rig) == "no_consent"
    consent(rig)
    assert says(rig) is None


def test_what_was_agreed_before_the_erasure_is_not_in_force_after_it(rig: Rig) -> None:
    """A paper form of last week, entered late."""
    erase(rig)
    rig.clock.advance(60)
    starts(rig)
    consent(rig, at=rig.clock.now() - timedelta(days=7))
    assert says(rig) == "no_consent"
    assert len(entries(rig)) == 3


def test_a_start_said_before_the_erasure_lifts_nothing(rig: Rig) -> None:
    erase(rig)
    assert not starts(rig, said=rig.clock.now())
    assert not starts(rig, said=rig.clock.now() - timedelta(seconds=5))
    assert says(rig) == "erased"


def test_a_start_for_one_banner_begins_anew_there_alone(rig: Rig) -> None:
    rig.apply(lambda d: d["consent"].update(opt_out_scope="banner"))
    erase(rig)
    rig.clock.advance(60)
    consent(rig)
    assert customers_of(rig).opt_in(name_of(rig), banner="kay", scope="banner", how="text",
                                    words="START", now=rig.clock.now())  # fmt: skip
    assert says(rig) is None
    assert item_of(rig)["opted_out_except"] == {"kay"}
    assert "opted_out" in item_of(rig)


def test_a_stop_after_an_erasure_leaves_no_words(rig: Rig) -> None:
    erase(rig)
    assert not customers_of(rig).opt_out(name_of(rig), banner="kay", scope="all", how="text",
                                         words=STOPWORDS, now=rig.clock.now())  # fmt: skip
    assert len(entries(rig)) == 1


def test_a_binding_does_not_bring_the_number_back(rig: Rig) -> None:
    erase(rig)
    for banner in ("kay", "zales"):
        customers_of(rig).bind(name_of(rig), phone=Phone(ANA), banner=banner, now=rig.clock.now(),
                               pointer=Pointer(ACCOUNT, GROUP, ANNA), source="assigned")  # fmt: skip
    assert left_of(rig) == []
    rig.clock.advance(60)
    starts(rig)
    customers_of(rig).bind(name_of(rig), phone=Phone(ANA), banner="kay", now=rig.clock.now(),
                           pointer=Pointer(ACCOUNT, GROUP, ANNA), source="assigned")  # fmt: skip
    assert item_of(rig)["phone"] == ANA


def test_an_answer_worked_out_before_is_not_stored_after(rig: Rig) -> None:
    before = converse(rig)
    erase(rig)
    stands = Conversations(rig.table).keep_answer(before, now=rig.clock.now(), answer=Answer(
        text=f"Hello {FIRST_NAME}", state=State.DECIDED, outcome="associate", round=0, asked=0,
        customer=name_of(rig), phone=ANA,
    ))  # fmt: skip
    assert stands is not None
    assert (stands.answer, stands.phone) == (None, None)
    assert left_of(rig) == []


# ------------------------------------------------------------------ export
def test_an_export_shows_everything(rig: Rig) -> None:
    consent(rig)
    asked_at = iso(rig.clock.now())
    sent = text(rig, key="k-1")[1]["id"]
    rig.deliver()
    rig.clock.advance(16 * 3600)
    later = text(rig, key="k-2")[1]["id"]
    converse(rig)
    body = export(rig)
    now = rig.clock.now()
    assert (body["customer"], body["exported_at"]) == (name_of(rig), iso(now))
    profile = body["profile"]
    assert (profile["phone"], profile["zone"], profile["postal_code"], profile["created_at"]) == (
        ANA, "America/New_York", "10704", asked_at)  # fmt: skip
    assert profile["consents"] == {
        "kay": {"consent_class": "one_to_one", "at": asked_at, "entry": 1}
    }
    binding = profile["bindings"]["kay"]
    assert (binding["account"], binding["store"], binding["agent_id"], binding["source"]) == (
        ACCOUNT, GROUP, ANNA, "outreach")  # fmt: skip
    assert (profile["lease"]["batch"], profile["lease"]["banner"]) == (later, "kay")
    assert (profile["opted_out_except"], profile["opted_out_of"]) == ([], [])
    ledger = body["ledger"]
    assert (ledger["verified"], ledger["problems"], len(ledger["entries"])) == (True, [], 1)
    entry = ledger["entries"][0]
    assert (entry["wording"], entry["evidence"], entry["n"], entry["what"]) == (
        f"Yes, {FIRST_NAME}.", FORM, 1, "one_to_one")  # fmt: skip
    (talk,) = body["conversations"]
    assert {name: talk[name] for name in ("account", "conversation", "banner", "channel", "state",
            "outcome", "phone", "consumer", "attributes", "decision", "created_at")} == {
        "account": ACCOUNT, "conversation": "c-1", "banner": "kay", "channel": "sms",
        "state": "decided", "outcome": "associate", "phone": ANA,
        "consumer": f"consumer of {FIRST_NAME}",
        "attributes": {"ctmrinfo.customerId": f"M-{FIRST_NAME}"},
        "decision": json.loads(decision_text(decide(CASE))), "created_at": iso(now),
    }  # fmt: skip
    assert [(t["batch"], t["state"], t.get("variables"), t["template"], t["banner"])
            for t in body["texts"]] == [
        (sent, "sent", None, "new-arrivals", "kay"),
        (later, "deferred", [FIRST_NAME, "Kay"], "new-arrivals", "kay")]  # fmt: skip
    assert {one["where"] for one in body["elsewhere"]} >= {"LivePerson", "backups", "import files"}


def test_an_export_names_texts_whose_batch_is_gone(rig: Rig) -> None:
    at = int(rig.clock.now().timestamp())
    rig.customer(ANA, sent=[[at, "b-gone"]])
    assert export(rig)["texts"] == [{"batch": "b-gone", "due_at": iso(rig.clock.now())}]


def test_an_export_of_nobody_and_of_a_tombstone(rig: Rig) -> None:
    body = export(rig)
    assert "profile" not in body
    assert (body["ledger"], body["conversations"], body["texts"]) == (
        {"verified": True, "problems": [], "entries": []}, [], [])  # fmt: skip
    consent(rig)
    batch_id = text(rig)[1]["id"]
    erase(rig)
    body = export(rig)
    assert set(body["profile"]) == {
        "created_at", "consents", "opted_out", "opted_out_except", "opted_out_of", "bindings",
        "erased_at"}  # fmt: skip
    assert body["profile"]["consents"] == {}
    assert [(t["batch"], t["state"], t["reason"]) for t in body["texts"]] == [
        (batch_id, "blocked", "erased")]  # fmt: skip
    assert [e.get("erased") for e in body["ledger"]["entries"]] == [True, None]
    assert body["ledger"]["verified"]


def test_an_export_says_when_the_ledger_is_not_intact(rig: Rig) -> None:
    consent(rig)
    (entry,) = entries(rig)
    rig.table.put({**entry, "what": "marketing"})
    ledger = export(rig)["ledger"]
    assert (ledger["verified"], ledger["problems"]) == (False, ["entry 1 was changed"])


def test_an_export_shows_the_rest_when_a_receipt_cannot_be_read(rig: Rig) -> None:
    converse(rig)
    key = f"CONVERSATION#{ACCOUNT}#c-1"
    for receipt in ('{"v": 99}', None):
        item = {**(rig.table.get(key, "CONVERSATION") or {}), "receipt": receipt}
        rig.table.put({name: value for name, value in item.items() if value is not None})
        (talk,) = export(rig)["conversations"]
        assert (talk["outcome"], talk.get("decision")) == ("associate", None)


def test_an_export_changes_nothing(rig: Rig) -> None:
    consent(rig)
    text(rig)
    before = everything(rig)
    rig.boundaries.reset()
    export(rig)
    assert everything(rig) == before
    assert set(rig.boundaries.names) == {"dynamodb.GetItem", "dynamodb.Query",
                                         "dynamodb.BatchGetItem"}  # fmt: skip


# ------------------------------------------------------------------ who may, and what is refused
def test_both_are_noted_without_number_or_words(
    rig: Rig, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    consent(rig)
    capsys.readouterr()
    export(rig)
    erase(rig)
    told = {record.message: vars(record) for record in caplog.records}
    assert told["Customer exported"]["who"] == "privacy@kay.example.com"
    assert told["Customer erased"]["customer"] == name_of(rig)
    assert told["Customer erased"]["entries"] == 1
    printed = capsys.readouterr().out
    counted = [json.loads(line) for line in printed.splitlines() if "_aws" in line]
    assert [line.get("CustomersExported", line.get("CustomersErased")) for line in counted] == [
        [1.0], [1.0]]  # fmt: skip
    for needle in (ANA[1:], ANA[2:], FIRST_NAME, FORM, REASON):
        assert needle not in printed
        assert needle not in str(told)


@pytest.mark.parametrize(("what", "scope"), [("export", "customers/erase"),
                                             ("erase", "customers/export"), ("erase", "")])  # fmt: skip
def test_each_operation_has_its_own_scope(rig: Rig, what: str, scope: str) -> None:
    body = {"phone": ANA} | ({"reason": REASON} if what == "erase" else {})
    status, answer = desk(rig, what, body, scopes=scope)
    assert (status, answer["code"]) == (403, "scope_missing")
    assert item_of(rig) == {}


@pytest.mark.parametrize(
    ("claims", "who"),
    [({"client_id": "privacy-desk", "sub": "x", "scope": SCOPES}, "privacy-desk"),
     ({"sub": "u-900", "scope": SCOPES}, "u-900"), ({"scope": SCOPES}, "unnamed")],
)  # fmt: skip
def test_an_application_may_ask_too(rig: Rig, claims: dict[str, str], who: str) -> None:
    assert erase(rig, claims=claims)[0] == 200
    assert entries(rig)[0]["who"] == who


def test_without_a_verified_token_nothing_is_told(rig: Rig) -> None:
    assert desk(rig, "export", {"phone": ANA}, claims={})[0] == 401


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"phone": "12", "reason": REASON}, 400, "invalid_number"),
        ({"phone": ANA}, 400, "bad_request"),
        ({"phone": ANA, "reason": ""}, 400, "bad_request"),
        ({"phone": ANA, "reason": REASON, "country": "usa"}, 400, "bad_request"),
        ({"phone": ANA, "reason": REASON, "banner": "kay"}, 400, "bad_request"),
        ({"phone": ANA, "reason": "called from (212) 555-0100"}, 400, "reason_names_number"),
        ({"phone": "+4915112345678", "reason": "+49 151 12345678"}, 400, "reason_names_number"),
        ({"phone": ANA, "reason": "x" * 70_000}, 413, "too_large"),
    ],
)
def test_bad_requests_erase_nobody(rig: Rig, body: Any, status: int, code: str) -> None:
    told = desk(rig, "erase", body)
    assert (told[0], told[1]["code"]) == (status, code)
    assert [item for item in everything(rig) if item["pk"]["S"].startswith("CUSTOMER")] == []


def test_a_number_as_people_type_it_with_its_country(rig: Rig) -> None:
    status, body = desk(rig, "erase", {"phone": "(212) 555-0100", "reason": REASON})
    assert (status, body["customer"]) == (200, name_of(rig))
    status, body = desk(rig, "erase", {"phone": "0151 12345678", "country": "DE",
                                       "reason": REASON})  # fmt: skip
    assert (status, body["customer"]) == (200, name_of(rig, "+4915112345678"))


def test_the_first_write_is_the_block(rig: Rig) -> None:
    """Killed after any write: nobody can be texted from the first one on."""
    consent(rig)
    rig.boundaries.reset()
    erase(rig)
    writes = _writes(rig.boundaries.names)
    assert writes[0] == "dynamodb.TransactWriteItems"


def _writes(names: Iterable[str]) -> list[str]:
    return [name for name in names if name not in (
        "dynamodb.GetItem", "dynamodb.Query", "dynamodb.BatchGetItem")]  # fmt: skip
