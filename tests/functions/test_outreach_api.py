"""The outreach API, fed with API Gateway's events: every answer its documented status and code."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.outreach_rig import ANNA, BEN, GONE, LOGINS, ROOT, Rig, away, ours, outreach, phone, shop

from instore.adapters.table import Table
from instore.model import iso

BEHALF = "outreach/send outreach/read outreach/consent outreach/behalf"


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return Rig(table, clock)


def reasons(body: dict[str, Any]) -> list[str | None]:
    return [row.get("reason") for row in body["rows"]]


def test_a_batch_is_taken_and_queued(rig: Rig) -> None:
    numbers = rig.customers(3)
    status, body = rig.text(numbers)
    assert status == 202
    assert body["state"] == "accepted"
    assert body["rows"] == [{"n": n, "status": "accepted", "segments": 1} for n in range(3)]
    assert body["remaining_today"] == 97
    assert rig.queue.messages == [(body["id"], 15)]
    assert rig.used() == 3
    assert all(rig.leased(n) for n in numbers)


def test_every_row_gets_its_own_reason(rig: Rig) -> None:
    good = rig.customers(1)[0]
    nobody, out, weak, held = phone(10), phone(11), phone(12), phone(13)
    rig.customer(out, opted_out=iso(rig.clock.now()))
    rig.customer(weak, consent="none")
    until = int(rig.clock.now().timestamp()) + 3600
    rig.customer(held, lease={"banner": "zales", "owner": "10000003.9", "batch": "b1",
                              "until": until, "since": 1})  # fmt: skip
    capped = phone(14)
    at = int(rig.clock.now().timestamp()) - 3600
    rig.customer(capped, sent=[[at, "x"], [at + 1, "y"], [at + 2, "z"]])
    body = outreach([good, "12", "+18005550123", good, nobody, out, weak, held, capped,
                     "+14165550123"])  # fmt: skip
    status, answer = rig.ask("POST /outreach", body)
    assert status == 202
    assert reasons(answer) == [None, "invalid_number", "toll_free", "duplicate", "no_consent",
                               "opted_out", "no_consent", "held", "customer_cap",
                               "foreign_number"]  # fmt: skip
    assert answer["rows"][7]["until"] == "2026-11-18T18:00:00.000Z"
    assert answer["rows"][8]["until"] == "2026-11-19T16:00:00.000Z"
    assert answer["remaining_today"] == 99
    assert rig.used() == 1  # what was taken for held and capped customers went back


def test_marketing_needs_marketing_consent(rig: Rig) -> None:
    rig.customer(phone(0))
    rig.customer(phone(1), consent="marketing")
    _, answer = rig.ask("POST /outreach", outreach([phone(0), phone(1)], "sale"))
    assert reasons(answer) == ["consent_too_weak", None]


def test_wrong_variables_block_their_row_only(rig: Rig) -> None:
    numbers = rig.customers(2)
    body = outreach(numbers)
    body["recipients"][1]["variables"] = ["Anna"]
    status, answer = rig.ask("POST /outreach", body)
    assert (status, reasons(answer)) == (202, [None, "variables_wrong"])


def test_nothing_to_send_is_200_and_not_queued(rig: Rig) -> None:
    status, body = rig.text([phone(5)])
    assert (status, body["state"], reasons(body)) == (200, "closed", ["no_consent"])
    assert rig.queue.messages == []
    assert "due_at" not in rig.item(body["id"])


def test_in_the_evening_rows_wait_for_the_window(rig: Rig) -> None:
    numbers = rig.customers(1)
    rig.clock.advance(8.5 * 3600)  # 20:30 at the store
    status, body = rig.text(numbers)
    assert (status, body["state"]) == (202, "deferred")
    row = body["rows"][0]
    assert (row["status"], row["reason"], row["until"]) == (
        "deferred", "outside_window", "2026-11-19T16:00:00.000Z")  # fmt: skip
    assert row["rule"]
    assert rig.queue.messages == []
    assert rig.item(body["id"])["due_at"] == int(datetime(2026, 11, 19, 16, tzinfo=UTC).timestamp())


def test_a_program_may_reject_instead_of_deferring(rig: Rig) -> None:
    rig.apply(lambda d: d["outreach"].update(outside_window="reject"))
    numbers = rig.customers(1)
    rig.clock.advance(8.5 * 3600)
    status, body = rig.text(numbers)
    assert (status, reasons(body)) == (200, ["outside_window"])
    assert body["rows"][0]["until"] == "2026-11-19T16:00:00.000Z"
    assert not rig.leased(numbers[0])


def test_a_window_too_far_away_is_never(rig: Rig) -> None:
    rig.apply(lambda d: d["outreach"].update(max_defer_hours=1))
    numbers = rig.customers(1)
    rig.clock.advance(8.5 * 3600)
    _, body = rig.text(numbers)
    assert reasons(body) == ["never"]
    assert body["rows"][0]["rule"]


def test_eleven_recipients_are_refused_whole(rig: Rig) -> None:
    status, body = rig.text(rig.customers(11))
    assert (status, body["code"]) == (400, "batch_too_large")
    assert rig.used() == 0


def test_the_101st_text_of_the_day_meets_the_limit(rig: Rig) -> None:
    numbers = rig.customers(105)
    for n in range(9):
        status, _ = rig.text(numbers[n * 10 : n * 10 + 10], key=f"k-{n}")
        assert status == 202
    status, body = rig.text(numbers[90:95], key="k-9")
    assert (status, body["remaining_today"]) == (202, 5)
    status, body = rig.text(numbers[95:103], key="k-10")  # eight for five places
    assert status == 202
    assert reasons(body) == [None] * 5 + ["daily_limit"] * 3
    assert body["rows"][5]["until"] == "2026-11-19T05:00:00.000Z"
    status, body = rig.text(numbers[103:], key="k-11")
    assert (status, body["code"], body["until"]) == (
        429, "daily_limit_reached", "2026-11-19T05:00:00.000Z")  # fmt: skip
    assert rig.used() == 100
    assert rig.ask("POST /outreach/check", {"phone": numbers[104]})[1] == {
        "allowed": False, "reason": "daily_limit", "until": "2026-11-19T05:00:00.000Z",
        "remaining_today": 0,
    }  # fmt: skip
    assert rig.text(numbers[103:], key="k-12", login=LOGINS[BEN])[0] == 202  # another's day


def test_the_same_key_gives_the_same_answer(rig: Rig) -> None:
    numbers = rig.customers(2)
    first = rig.text([*numbers, phone(50)])
    again = rig.text([*numbers, phone(50)])
    assert again == first
    assert rig.used() == 2
    assert len(rig.queue.messages) == 1
    rig.deliver()
    assert rig.text([*numbers, phone(50)]) == first
    rig.settle(4)
    assert rig.text([*numbers, phone(50)]) == first
    assert rig.vendor.texts == {n[1:]: 1 for n in numbers}


def test_the_same_key_gives_the_first_answer_after_a_later_look(rig: Rig) -> None:
    """Put off at submit, then blocked: what the associate was told stays what they are told."""
    numbers = rig.customers(2)
    rig.clock.advance(7.999 * 3600)  # a moment before the window's end
    first = rig.text(numbers)
    assert [row["status"] for row in first[1]["rows"]] == ["accepted", "accepted"]
    rig.clock.advance(60)
    rig.deliver()
    assert rig.states(first[1]["id"]) == ["deferred", "deferred"]
    assert rig.text(numbers) == first
    rig.clock.advance(16 * 3600)
    rig.ask("POST /consents", {"phone": numbers[0], "class": "none", "wording": "STOP",
                               "method": "text"})  # fmt: skip
    rig.settle(10)
    assert rig.states(first[1]["id"]) == ["blocked", "delivered"]
    assert rig.text(numbers) == first


def test_the_same_key_gives_the_first_answer_after_a_deferred_text_was_blocked(rig: Rig) -> None:
    numbers = rig.customers(1)
    rig.clock.advance(10 * 3600)
    first = rig.text(numbers)
    assert first[1]["rows"][0]["status"] == "deferred"
    rig.apply(lambda d: d.update(stops={"all": True}))
    rig.clock.advance(14 * 3600)
    rig.settle(10)
    assert rig.states(first[1]["id"]) == ["blocked"]
    assert rig.text(numbers) == first
    _, seen = rig.ask("GET /outreach/{id}", path={"id": first[1]["id"]})
    row = seen["rows"][0]
    assert row == {
        "n": 0, "status": "blocked", "reason": "stopped_all", "segments": 1, "phone": row["phone"],
        "first_status": "deferred", "first_until": first[1]["rows"][0]["until"],
        "first_rule": first[1]["rows"][0]["rule"], "chunk": row["chunk"],
        "why": "It was not sent. Texting is switched off for everybody. When it was taken it was "
        f"to go from {first[1]['rows'][0]['until']} on, by the rule "
        f"{first[1]['rows'][0]['rule']}. A later look decided otherwise.",
    }  # fmt: skip


def test_asking_in_vain_does_not_make_the_day_grow(rig: Rig) -> None:
    held = phone(7)
    until = int(rig.clock.now().timestamp()) + 86400
    rig.customer(held, lease={"banner": "jared", "owner": "10000002.900", "batch": "b0",
                              "until": until, "since": 1})  # fmt: skip
    for n in range(20):
        assert reasons(rig.text([held], key=f"k-{n}")[1]) == ["held"]
    day = rig.table.get("ASSOCIATE#10000002#201", "DAY#2026-11-18") or {}
    assert day.keys() == {"pk", "sk", "used", "expires_at"}
    assert day["used"] == 0


def test_who_moved_to_another_account_asks_from_there(rig: Rig) -> None:
    """Disabled where they were, at work elsewhere under the same login."""
    anna = shop().associates[0]
    rig.write_store(replace(shop(), associates=(replace(anna, enabled=False),)))
    moved = replace(anna, agent_id="900", pid="pid-900")
    rig.write_store(replace(shop(), account="10000003", group="7", banner="zales",
                            associates=(moved,)))  # fmt: skip
    status, body = rig.ask("POST /outreach/check", {"phone": phone(1)})
    assert (status, body["reason"]) == (200, "no_consent")
    rig.write_store(replace(shop(), account="10000003", group="7", banner="zales",
                            associates=(replace(moved, enabled=False),)))  # fmt: skip
    status, body = rig.ask("POST /outreach/check", {"phone": phone(1)})
    assert (status, body["code"]) == (403, "associate_disabled")


def test_the_same_key_with_another_body_is_a_conflict(rig: Rig) -> None:
    numbers = rig.customers(2)
    rig.text(numbers)
    status, body = rig.text(numbers[:1])
    assert (status, body["code"]) == (409, "idempotency_key_reused")


def test_keys_of_two_associates_are_two_keys(rig: Rig) -> None:
    numbers = rig.customers(2)
    assert rig.text(numbers[:1])[1]["id"] != rig.text(numbers[1:], login=LOGINS[BEN])[1]["id"]


def test_a_key_is_free_again_after_35_days(rig: Rig) -> None:
    numbers = rig.customers(2)
    rig.text(numbers[:1])
    rig.clock.advance(36 * 86400)
    assert rig.text(numbers[1:])[0] == 202


@pytest.mark.parametrize("key", ["", " ", None])
def test_a_key_is_mandatory(rig: Rig, key: str | None) -> None:
    status, body = rig.text(rig.customers(1), key=key)
    assert (status, body["code"]) == (400, "idempotency_key_missing")


@pytest.mark.parametrize("key", ["x" * 201, "with\ttab", "é"])
def test_a_key_is_short_and_printable(rig: Rig, key: str) -> None:
    assert rig.text(rig.customers(1), key=key)[1]["code"] == "idempotency_key_invalid"


def _bodies() -> list[Any]:
    row = {"phone": phone(0), "variables": []}
    return [
        pytest.param("{", "malformed_json", id="not json"),
        pytest.param("[" * 50_000, "malformed_json", id="deep"),
        pytest.param("[]", "bad_request", id="a list"),
        pytest.param("", "malformed_json", id="empty"),
        pytest.param(json.dumps({"template": "sale", "recipients": []}), "batch_empty", id="none"),
        pytest.param(json.dumps({"template": "nope", "recipients": [row]}), "unknown_template",
                     id="template"),
        pytest.param(json.dumps({"template": 7, "recipients": [row]}), "bad_request", id="type"),
        pytest.param(json.dumps({"template": "sale", "recipients": [row], "banner": "kay"}),
                     "bad_request", id="unknown field"),
        pytest.param(json.dumps({"template": "sale", "recipients": [{**row, "zone": "Mars/X"}]}),
                     "bad_request", id="zone"),
        pytest.param(json.dumps({"template": "sale", "recipients": [{**row, "variables": [1]}]}),
                     "bad_request", id="variable not a string"),
    ]  # fmt: skip


@pytest.mark.parametrize(("raw", "code"), _bodies())
def test_bad_bodies_are_400_with_a_code(rig: Rig, raw: str, code: str) -> None:
    status, body = rig.ask("POST /outreach", raw=raw)
    assert (status, body["code"]) == (400, code)
    assert body["message"]
    assert rig.queue.messages == []


def test_wrong_fields_are_named(rig: Rig) -> None:
    _, body = rig.ask("POST /outreach", {"template": "sale", "recipients": [{"phone": 7}], "x": 1})
    assert {d["where"] for d in body["details"]} == {"recipients.0.phone", "x"}


def test_a_body_over_64_kb_is_413(rig: Rig) -> None:
    status, body = rig.ask("POST /outreach", raw=json.dumps({"template": "x" * 65536}))
    assert (status, body["code"]) == (413, "too_large")


def test_a_body_in_bad_base64_is_400(rig: Rig) -> None:
    from tests.outreach_rig import http_event

    from outreach_api import app

    event = http_event("POST /outreach", raw="%%%") | {"isBase64Encoded": True, "body": "abc"}
    with rig.process():
        answer = app.handler(event, rig.context())
    assert answer["statusCode"] == 400


def test_without_a_verified_token_nothing_is_said(rig: Rig) -> None:
    from tests.outreach_rig import http_event

    from outreach_api import app

    event = http_event("POST /outreach", outreach(rig.customers(1)))
    del event["requestContext"]["authorizer"]
    with rig.process():
        answer = app.handler(event, rig.context())
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize(
    ("login", "code"),
    [("stranger@kay.example.com", "unknown_associate"), (LOGINS[GONE], "associate_disabled"),
     ("", "unknown_associate")],
)  # fmt: skip
def test_only_known_and_enabled_associates_ask(rig: Rig, login: str, code: str) -> None:
    status, body = rig.text(rig.customers(1), login=login)
    assert (status, body["code"]) == (403, code)


@pytest.mark.parametrize("login", ["anna@\u212aay.example.com", "\u212a", "anna@kay.example.com."])
def test_a_look_alike_login_names_nobody(rig: Rig, login: str) -> None:
    path = {"id": rig.text(rig.customers(1))[1]["id"]}
    assert rig.ask("GET /outreach/{id}", path=path, login=LOGINS[ANNA].upper())[0] == 200
    assert rig.ask("GET /outreach/{id}", path=path, login=login)[0] == 404
    status, body = rig.text(rig.customers(1), login=login, key="k-2")
    assert (status, body["code"]) == (403, "unknown_associate")
    behalf = {**outreach(rig.customers(1)), "associate": login}
    status, body = rig.ask("POST /outreach", behalf, scopes=BEHALF, login="")
    assert (status, body["code"]) == (403, "unknown_associate")


def test_a_store_of_no_banner_has_no_associates(rig: Rig) -> None:
    rig.write_store(replace(shop(), banner="closed_down"))
    assert rig.text(rig.customers(1))[1]["code"] == "unknown_associate"


def test_naming_an_associate_takes_the_scope(rig: Rig) -> None:
    body = {**outreach(rig.customers(1)), "associate": LOGINS[BEN]}
    status, refused = rig.ask("POST /outreach", body)
    assert (status, refused["code"]) == (403, "scope_missing")
    assert rig.ask("POST /outreach", body, scopes=BEHALF, login="")[0] == 202
    assert (rig.used(BEN), rig.used(ANNA)) == (1, 0)


@pytest.mark.parametrize(
    ("stops", "reason"),
    [({"all": True}, "stopped_all"), ({"banners": ["kay"]}, "stopped_banner"),
     ({"stores": ["4100"]}, "stopped_store"),
     ({"associates": [LOGINS[ANNA]]}, "stopped_associate"),
     ({"associates": [LOGINS[ANNA].title()]}, "stopped_associate")],
)  # fmt: skip
def test_kill_switches_stop_at_accept(rig: Rig, stops: dict[str, Any], reason: str) -> None:
    rig.apply(lambda d: d.update(stops=stops))
    status, body = rig.text(rig.customers(1))
    assert (status, reasons(body)) == (200, [reason])
    assert rig.used() == 0


def test_look_shows_states_to_the_owner_only(rig: Rig) -> None:
    numbers = rig.customers(1)
    taken = rig.text([*numbers, "12"])[1]
    path = {"id": taken["id"]}
    status, body = rig.ask("GET /outreach/{id}", path=path)
    assert status == 200
    assert body == {
        "id": taken["id"], "state": "accepted", "remaining_today": 99,
        "associate": LOGINS[ANNA], "account": "10000002", "agent_id": ANNA, "banner": "kay",
        "template": "new-arrivals", "program": 1, "accepted_at": "2026-11-18T17:00:00.000Z",
        "day": "2026-11-18",
        "rows": [{"n": 0, "status": "accepted", "segments": 1, "phone": "+1…00",
                  "why": "Consent, opt-out, hours, limits and reservation were in order; it goes "
                         "with the next call and is looked at once more right before."},
                 {"n": 1, "status": "blocked", "reason": "invalid_number", "segments": 0,
                  "why": "It was not sent. What was given is not a telephone number that can exist.",
                  "advice": "Correct the number."}],
    }  # fmt: skip
    other = rig.ask("GET /outreach/{id}", path=path, login=LOGINS[BEN])
    assert (other[0], other[1]["code"]) == (404, "unknown_batch")
    for scope in ("outreach/behalf", "outreach/admin"):
        assert rig.ask("GET /outreach/{id}", path=path, login="x", scopes=scope)[0] == 200


@pytest.mark.parametrize("batch_id", ["b0", "", "x" * 41])
def test_unknown_batches_are_404(rig: Rig, batch_id: str) -> None:
    assert rig.ask("GET /outreach/{id}", path={"id": batch_id})[0] == 404


def test_an_unknown_operation_is_404(rig: Rig) -> None:
    assert rig.ask("DELETE /outreach")[0] == 404


def test_check_says_what_accept_would_and_writes_nothing(
    rig: Rig, requests_made: list[tuple[str, str, dict[str, Any]]]
) -> None:
    number = rig.customers(1)[0]
    requests_made.clear()
    assert rig.ask("POST /outreach/check", {"phone": number}) == (
        200, {"allowed": True, "remaining_today": 100})  # fmt: skip
    operations = {operation for _, operation, _ in requests_made}
    assert operations <= {"GetItem", "BatchGetItem"}
    for given, reason in (
        ("12", "invalid_number"), ("+18775550123", "toll_free"), (phone(60), "no_consent"),
        ("+14165550123", "foreign_number"),
    ):  # fmt: skip
        assert rig.ask("POST /outreach/check", {"phone": given})[1]["reason"] == reason
    marketing = rig.ask("POST /outreach/check", {"phone": number, "template": "sale"})[1]
    assert marketing["reason"] == "consent_too_weak"
    unknown = rig.ask("POST /outreach/check", {"phone": number, "template": "nope"})
    assert (unknown[0], unknown[1]["code"]) == (400, "unknown_template")


def test_check_names_the_next_legal_instant_and_the_rule(rig: Rig) -> None:
    number = rig.customers(1)[0]
    rig.text([number])
    held = rig.ask("POST /outreach/check", {"phone": number}, login=LOGINS[BEN])[1]
    assert (held["allowed"], held["reason"], held["until"]) == (
        False, "held", "2026-11-21T17:00:00.000Z")  # fmt: skip
    rig.clock.advance(8.5 * 3600)
    late = rig.ask("POST /outreach/check", {"phone": number, "zone": "America/New_York"})[1]
    assert (late["allowed"], late["until"]) == (False, "2026-11-19T16:00:00.000Z")
    assert late["rule"]


def test_consent_is_recorded_and_allows(rig: Rig) -> None:
    body = {"phone": phone(3), "class": "one_to_one", "wording": "You may text me.",
            "method": "in_store_form", "postal_code": "10704"}  # fmt: skip
    status, answer = rig.ask("POST /consents", body)
    assert (status, answer["entry"], len(answer["customer"])) == (201, 1, 40)
    assert rig.text([phone(3)])[0] == 202


def test_class_none_is_an_opt_out(rig: Rig) -> None:
    number = rig.customers(1)[0]
    status, _ = rig.ask("POST /consents", {"phone": number, "class": "none", "wording": "stop",
                                           "method": "in_store"})  # fmt: skip
    assert status == 201
    assert reasons(rig.text([number])[1]) == ["opted_out"]


def test_the_ledger_names_who_entered_an_opt_out_and_blocks_first(rig: Rig) -> None:
    number = rig.customers(1)[0]
    _, answer = rig.ask("POST /consents", {"phone": number, "class": "none", "wording": "stop",
                                           "method": "in_store"})  # fmt: skip
    entries = rig.table.query(f"CUSTOMER#{answer['customer']}", sk_prefix="CONSENT#")
    told = [(e["what"], e["who"]) for e in sorted(entries, key=lambda e: e["n"])]
    assert told[-2:] == [("revoked", LOGINS[ANNA]), ("none", LOGINS[ANNA])]


def test_a_consent_for_another_banner_takes_the_scope(rig: Rig) -> None:
    body = {"phone": phone(3), "class": "marketing", "wording": "yes", "method": "form",
            "banner": "zales", "evidence": "form 7"}  # fmt: skip
    assert rig.ask("POST /consents", body)[1]["code"] == "scope_missing"
    assert rig.ask("POST /consents", body, scopes=BEHALF)[0] == 201
    assert rig.ask("POST /consents", {**body, "banner": "nope"}, scopes=BEHALF)[1]["code"] == (
        "unknown_banner")  # fmt: skip
    assert rig.ask("POST /consents", {**body, "phone": "1"}, scopes=BEHALF)[1]["code"] == (
        "invalid_number")  # fmt: skip


def test_a_queue_that_is_away_loses_nothing(rig: Rig) -> None:
    numbers = rig.customers(1)
    rig.queue.away = True
    assert rig.text(numbers)[0] == 202
    rig.queue.away = False
    rig.settle(6)
    assert rig.vendor.texts == {numbers[0][1:]: 1}


def test_a_table_that_is_away_is_503_with_a_code(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Table, "get", away)
    assert rig.text([phone(0)]) == (
        503, {"code": "unavailable", "message": "the table did not answer"})  # fmt: skip


def test_our_own_mistakes_show_no_trace(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(Table, "get", broken)
    status, body = rig.text([phone(0)])
    assert (status, body["code"]) == (503, "unavailable")
    assert "secret" not in json.dumps(body)


def test_no_number_and_no_variable_reaches_the_log(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = rig.customers(2)
    rig.text(numbers)
    rig.deliver()
    rig.settle(4)
    logged = " ".join(str(record.__dict__) for record in caplog.records)
    assert "Batch taken" in logged
    assert "Batches worked on" in logged
    assert not [n for n in numbers if n[1:] in logged or n[4:] in logged]
    assert "'Anna'" not in logged


@pytest.mark.parametrize("name", ["send", "look", "check", "consent"])
def test_each_event_file_is_answered(rig: Rig, name: str) -> None:
    from outreach_api import app

    event = json.loads((ROOT / f"events/outreach_api.{name}.json").read_text())
    rig.customers(30)
    with rig.process():
        answer = app.handler(event, rig.context())
    assert answer["statusCode"] == {"send": 202, "look": 404, "check": 200, "consent": 201}[name]


def test_a_number_of_ours_is_nobodys_customer(rig: Rig) -> None:
    """Our bot would answer the text, and the answer would be answered, for ever."""
    for number in (ours("+12125550100"), ours("+12125550101")):
        rig.customer(number)
        answer = rig.text([number], key=number)[1]
        assert (answer["rows"][0]["status"], answer["rows"][0]["reason"]) == (
            "blocked", "our_number")  # fmt: skip
        told = rig.ask("POST /outreach/check", {"phone": number})[1]
        assert (told["allowed"], told["reason"]) == (False, "our_number")
    assert rig.used() == 0


def test_days_are_the_stores_own(rig: Rig) -> None:
    numbers = rig.customers(2)
    rig.clock.advance(11.5 * 3600)  # 04:30 UTC on the 19th, 23:30 on the 18th at the store
    rig.text(numbers[:1], key="a")
    assert (rig.used(), rig.used(day="2026-11-19")) == (1, 0)
    rig.clock.advance(timedelta(hours=1).total_seconds())
    rig.text(numbers[1:], key="b")
    assert rig.used(day="2026-11-19") == 1
