"""Service requests from the customer's click to the associate's answer: what goes, where, once."""

from __future__ import annotations

from typing import Any

import pytest
from tests.outreach_rig import ACCOUNT, ANNA, BEN, GONE, GROUP, LOGINS, phone
from tests.request_rig import (
    EVE,
    INES,
    KAY_NUMBER,
    MAYA,
    PICTURE,
    RELAY,
    WORDING,
    RequestRig,
    by_email,
    of_widget,
)

from instore.adapters.consents import Consents
from instore.adapters.table import Table
from instore.model import Phone, iso


@pytest.fixture
def rig(table: Table, clock: Any) -> RequestRig:
    return RequestRig(table, clock)


def entries(rig: RequestRig, number: str = INES) -> list[dict[str, Any]]:
    return Consents(rig.table).entries(rig.services().customers.id_of(Phone(number)))


def test_a_request_from_a_storefront_is_the_associates_and_confirmed_from_their_number(
    rig: RequestRig,
) -> None:
    status, body = rig.submit()
    assert status == 201
    request = body.pop("id")
    assert body == {"by": "text", "shelf": "my_requests", "created_at": "2026-11-18T17:00:00.000Z",
                    "confirmation": {"state": "queued"}}  # fmt: skip
    (text,) = rig.twilio.messages
    assert (text.sender, text.to) == (RELAY, INES)
    assert text.body == (
        "Kay Jewelers: thank you, we have your request. N201 will text you from this number; you can write "
        "here, too. Msg & data rates may apply. Reply HELP for help, STOP to end texts."
    )
    assert f"text=request-{request}#" in text.callback
    (entry,) = entries(rig)
    assert {k: entry[k] for k in ("what", "wording", "method", "evidence", "who", "banner")} == {
        "what": "one_to_one", "wording": WORDING, "method": "request", "who": "customer",
        "evidence": f"storefront#{request}", "banner": "kay",
    }  # fmt: skip
    assert rig.request(request).consent == 1
    customer = rig.services().customers.get(rig.request(request).customer)
    assert customer is not None
    assert customer.bindings["kay"].pointer.agent_id == ANNA
    assert rig.lists() == {"new_leads": [], "team_requests": [], "my_requests": [request]}
    assert rig.lists(BEN) == {"new_leads": [], "team_requests": [], "my_requests": []}


def test_a_request_from_the_widget_is_a_lead_until_somebody_claims_it(rig: RequestRig) -> None:
    request = rig.took(of_widget())
    (text,) = rig.twilio.messages
    assert text.sender == KAY_NUMBER
    assert text.body.startswith(
        "Kay Jewelers: thank you, we have your request. Somebody from Kay 4100 will"
    )
    for agent in (ANNA, BEN, MAYA):
        assert rig.lists(agent)["new_leads"] == [request]
    assert rig.lists(EVE)["new_leads"] == []
    status, body = rig.claim(request, BEN)
    assert (status, body["state"], body["agent_id"], body["mine"]) == (200, "taken", BEN, True)
    assert rig.claim(request, BEN)[0] == 200
    assert rig.claim(request, ANNA) == (
        409, {"code": "already_claimed", "message": "a colleague has claimed it"})  # fmt: skip
    assert rig.lists(BEN) == {"new_leads": [], "team_requests": [], "my_requests": [request]}
    assert rig.lists(ANNA)["new_leads"] == []
    assert len(rig.twilio.messages) == 1
    customer = rig.services().customers.get(rig.request(request).customer)
    assert customer is not None
    assert customer.bindings["kay"].pointer.agent_id == BEN


def test_in_team_mode_it_goes_to_the_team_and_who_answers_first_has_it(rig: RequestRig) -> None:
    rig.with_team()
    request = rig.took(of_widget())
    assert rig.lists(BEN) == {"new_leads": [], "team_requests": [request], "my_requests": []}
    status, body = rig.reply(request, BEN)
    assert (status, body["state"], body["delivery"]) == (200, "sent", "queued")
    assert rig.request(request).pointer.agent_id == BEN  # type: ignore[union-attr]  # it is there
    assert rig.lists(BEN) == {"new_leads": [], "team_requests": [], "my_requests": [request]}
    status, body = rig.reply(request, ANNA)
    assert (status, body["code"]) == (409, "already_claimed")


def test_an_answer_comes_from_the_associates_number_with_links_and_pictures(
    rig: RequestRig,
) -> None:
    request = rig.took()
    rig.clock.advance(180)
    status, body = rig.reply(request, links=[
        {"url": "https://www.kay.example/ring-7", "title": "The ring"},
        {"url": "https://www.kay.example/care"}], media=[PICTURE],
    )  # fmt: skip
    assert (status, body["state"]) == (200, "sent")
    text = rig.twilio.messages[1]
    assert (text.sender, text.to) == (RELAY, INES)
    assert text.body == ("It is in store now.\nThe ring: https://www.kay.example/ring-7\n"
                         "https://www.kay.example/care")  # fmt: skip
    assert rig.twilio.media[1] == (PICTURE,)
    found = rig.request(request)
    assert (iso(found.replied_at), found.due_at) == ("2026-11-18T17:03:00.000Z", None)  # type: ignore[arg-type]  # it is there
    assert [(f.kind, f.agent, dict(f.values)) for f in rig.facts() if f.name == request] == [
        ("reply", ANNA, {"wall_s": 180, "hours_s": 180}),
        ("request", ANNA, {"by": "text", "source": "storefront"}),
    ]


def test_the_first_answer_alone_is_timed(rig: RequestRig) -> None:
    request = rig.took()
    for n in range(3):
        rig.clock.advance(60)
        assert rig.reply(request, key=f"r-{n}", text=f"answer {n}")[0] == 200
    assert rig.request(request).replied_at == rig.request(request).created_at.replace(minute=1)
    assert [f.values["wall_s"] for f in rig.facts() if f.kind == "reply"] == [60]
    status, body = rig.look(request)
    assert [one["text"] for one in body["replies"]] == ["answer 0", "answer 1", "answer 2"]
    assert (status, body["state"]) == (200, "answered")


def test_by_email_the_answer_is_handed_to_the_brands_own_mail(rig: RequestRig) -> None:
    request = rig.took(by_email())
    assert rig.twilio.messages == []
    assert rig.request(request).consent is None
    status, body = rig.reply(request, media=[PICTURE])
    assert (status, body["state"], body["by"]) == (200, "sent", "email")
    (letter,) = rig.mail.letters.values()
    assert (letter.to.address, letter.words, letter.login, letter.media, letter.request) == (
        "ines@mail.example", "It is in store now.", LOGINS[ANNA], (PICTURE,), request)  # fmt: skip
    assert rig.twilio.messages == []
    assert rig.request(request).replied_at == rig.clock.now()
    assert [f.values.get("by") for f in rig.facts() if f.kind == "request"] == ["email"]


def test_the_same_key_and_body_is_the_same_request(rig: RequestRig) -> None:
    first = rig.submit()[1]
    status, again = rig.submit()
    assert (status, again) == (200, first)
    status, other = rig.submit(message="something else")
    assert (status, other["code"]) == (409, "idempotency_key_reused")
    assert len(rig.twilio.messages) == len(entries(rig)) == 1
    assert rig.took(key="k-2") != first["id"]


def test_the_same_key_and_body_is_the_same_answer(rig: RequestRig) -> None:
    request = rig.took()
    first = rig.reply(request)[1]
    status, again = rig.reply(request)
    assert (status, again) == (200, first)
    status, other = rig.reply(request, text="other words")
    assert (status, other["code"]) == (409, "idempotency_key_reused")
    assert len(rig.twilio.messages) == 2


@pytest.mark.parametrize(("agent", "expected"), [
    (ANNA, (200, 200, 200)), (MAYA, (200, 200, 409)), (BEN, (404, 404, 404)),
    (EVE, (404, 404, 404)), (GONE, (403, 403, 403)),
])  # fmt: skip
def test_an_associates_own_request_is_theirs_and_their_managers_to_see(
    rig: RequestRig, agent: str, expected: tuple[int, int, int]
) -> None:
    request = rig.took()
    claimed = rig.claim(request, agent)[0]
    assert (rig.look(request, agent)[0], 200 if claimed == 409 else claimed,
            rig.reply(request, agent)[0]) == expected  # fmt: skip
    assert rig.request(request).pointer.agent_id == ANNA  # type: ignore[union-attr]  # it is there


@pytest.mark.parametrize("team", [False, True])
def test_a_lead_is_the_stores_own(rig: RequestRig, team: bool) -> None:
    """Who works elsewhere neither sees nor claims it, open or claimed; colleagues see it is gone."""
    if team:
        rig.with_team()
    lead = rig.took(of_widget())
    for _ in range(2):
        assert rig.look(lead, EVE)[0] == rig.claim(lead, EVE)[0] == rig.reply(lead, EVE)[0] == 404
        assert rig.look(lead, MAYA)[0] == 200
        assert rig.claim(lead, BEN)[0] == 200
    assert rig.look(lead, ANNA)[0] == 404
    assert rig.claim(lead, ANNA)[1]["code"] == rig.reply(lead, ANNA)[1]["code"] == "already_claimed"
    assert rig.request(lead).pointer.agent_id == BEN  # type: ignore[union-attr]  # it is there


def test_a_lead_is_not_answered_before_it_is_claimed(rig: RequestRig) -> None:
    lead = rig.took(of_widget())
    assert rig.reply(lead) == (409, {"code": "not_claimed", "message": "claim it first"})
    assert len(rig.twilio.messages) == 1


def test_who_left_is_not_waited_for(rig: RequestRig) -> None:
    """A storefront of somebody who has gone is the store's; what they had, colleagues can claim."""
    before = rig.took()
    rig.leave(ANNA)
    request = rig.took(key="k-2")
    assert rig.request(request).shelf == "new_leads"
    assert rig.reply(before, BEN)[1]["code"] == "not_claimed"
    assert rig.claim(before, BEN)[0] == 200
    assert rig.reply(before, BEN)[0] == 200
    assert rig.lists(BEN)["my_requests"] == [before]


def test_the_successor_of_a_number_gets_the_requests_that_follow(rig: RequestRig) -> None:
    from instore.directory import Pointer
    from instore.relay_state import LineState

    rig.leave(ANNA)
    rig.give_number(state=LineState.QUARANTINED, successor=Pointer(ACCOUNT, GROUP, BEN))
    request = rig.took()
    assert rig.request(request).pointer == Pointer(ACCOUNT, GROUP, BEN)
    assert rig.twilio.messages[0].sender == KAY_NUMBER  # Ben has no number of his own


def test_a_login_nobody_ever_had_is_the_stores_if_one_is_named(rig: RequestRig) -> None:
    status, body = rig.submit(associate="who@kay.example.com")
    assert (status, body["code"]) == (400, "unknown_associate")
    request = rig.took(associate="who@kay.example.com", store=f"{ACCOUNT}/{GROUP}")
    assert rig.request(request).shelf == "new_leads"


@pytest.mark.parametrize(("body", "status", "code"), [
    ({"phone": None}, 400, "phone_missing"), ({"consent": None}, 400, "consent_missing"),
    ({"phone": "+18005550123"}, 400, "toll_free"), ({"phone": "+442079460123"}, 400, "foreign_number"),
    ({"phone": "12"}, 400, "invalid_number"), ({"by": "email", "phone": None}, 400, "email_missing"),
    ({"by": "email", "email": "no address"}, 400, "invalid_email"),
    ({"source": "widget", "store": "4999"}, 400, "unknown_store"),
    ({"source": "widget"}, 400, "bad_request"), ({"associate": None}, 400, "bad_request"),
    ({"by": "post"}, 400, "bad_request"), ({"message": ""}, 400, "bad_request"),
    ({"nickname": "x"}, 400, "bad_request"),
])  # fmt: skip
def test_what_cannot_be_answered_is_not_taken(
    rig: RequestRig, body: dict[str, Any], status: int, code: str
) -> None:
    told = rig.submit(body)
    assert (told[0], told[1]["code"]) == (status, code)
    assert rig.twilio.messages == entries(rig) == []
    assert INES not in str(told)


def test_a_retailer_who_is_not_opted_in_has_no_requests(rig: RequestRig) -> None:
    """R150: one switch for each banner, and no line at all."""
    rig.with_requests(lambda d: d["banners"][0].update(features={"line": False}))
    assert rig.submit()[1]["code"] == "line_off"
    rig.with_requests(lambda d: d["line"].pop("mail"))
    assert rig.submit(by_email())[1]["code"] == "mail_off"
    assert rig.submit()[0] == 201
    rig.with_requests(lambda d: d.pop("line"))
    assert rig.submit(key="k-3")[1]["code"] == "line_off"


@pytest.mark.parametrize(("more", "code"), [
    ({"text": ""}, "no_content"), ({"text": "x" * 1600, "links": [{"url": "https://www.kay.example/a"}]},
                                   "too_long"),
    ({"links": [{"url": "https://bit.example/x"}]}, "host_not_listed"),
    ({"media": ["https://media.kay.example.evil.test/x.jpg"]}, "host_not_listed"),
    ({"media": ["https://www.kay.example/x.jpg"]}, "host_not_listed"),
    ({"media": ["http://media.kay.example/x.jpg"]}, "bad_address"),
    ({"media": ["https://media.kay.example@evil.test/x"]}, "bad_address"),
    ({"media": ["https://media.kay.example:8443/x"]}, "bad_address"),
    ({"media": ["https://media.kay.example/big.jpg"]}, "media_too_large"),
    ({"media": ["https://media.kay.example/big.pdf"]}, "media_too_large"),
    ({"media": ["https://media.kay.example/page"]}, "media_type"),
    ({"media": ["https://media.kay.example/3mb.jpg", "https://media.kay.example/3mb.png"]},
     "media_too_large"),
])  # fmt: skip
def test_what_may_not_be_shown_is_refused_before_anything_is_stored(
    rig: RequestRig, more: dict[str, Any], code: str
) -> None:
    from instore.request_content import FileSeen

    base = "https://media.kay.example"
    rig.files.seen |= {
        f"{base}/big.jpg": FileSeen("image/jpeg", 5_000_001),
        f"{base}/big.pdf": FileSeen("application/pdf", 500_001),
        f"{base}/page": FileSeen("text/html", 100), f"{base}/3mb.jpg": FileSeen("image/jpeg", 3_000_000),
        f"{base}/3mb.png": FileSeen("image/png", 3_000_000),
    }  # fmt: skip
    request = rig.took()
    status, body = rig.reply(request, **more)
    assert (status, body["code"]) == (400, code)
    assert rig.look(request)[1]["replies"] == []
    assert len(rig.twilio.messages) == 1


def test_an_opt_out_stops_confirmation_and_answers(rig: RequestRig) -> None:
    rig.customer(INES, opted_out=iso(rig.clock.now()))
    status, body = rig.submit()
    assert (status, body["confirmation"]["state"], body["confirmation"]["reason"]) == (
        201, "blocked", "opted_out")  # fmt: skip
    assert rig.twilio.messages == []
    status, body = rig.reply(body["id"])
    assert (status, body["code"]) == (409, "opted_out")


def test_an_answer_in_the_night_waits_for_the_hours_and_is_timed_when_it_goes(
    rig: RequestRig,
) -> None:
    rig.clock.advance(10 * 3600)  # 22:00 in the shop
    request = rig.took()
    assert len(rig.twilio.messages) == 1  # asked for just now: confirmed at once
    rig.clock.advance(20 * 60)
    status, body = rig.reply(request)
    assert (status, body["state"], body["delivery"], body["until"]) == (
        202, "asked", "deferred", "2026-11-19T16:00:00.000Z")  # fmt: skip
    assert rig.request(request).replied_at is None
    rig.sweep_for(60 * 14, step=4)
    assert len(rig.twilio.messages) == 2
    replied = rig.request(request).replied_at
    assert replied is not None
    assert "2026-11-19T16:00" <= iso(replied) <= "2026-11-19T16:05"
    assert rig.look(request)[1]["replies"][0]["state"] == "sent"


def test_an_answer_in_the_conversation_counts_as_the_first(rig: RequestRig) -> None:
    """R149: the customer texts, the associate answers there: the reply time ends with it."""
    request = rig.took()
    rig.clock.advance(240)
    rig.send(rig.draft("talk-1", INES, sender=Phone(RELAY)))
    rig.clock.advance(3600)
    rig.sweep()
    assert iso(rig.request(request).replied_at) == "2026-11-18T17:04:00.000Z"  # type: ignore[arg-type]  # it is there
    assert [f.values["wall_s"] for f in rig.facts() if f.kind == "reply"] == [240]
    assert rig.look(request)[1]["state"] == "answered"


def test_a_lead_nobody_claims_is_told_of_once(rig: RequestRig, capsys: Any) -> None:
    rig.took(of_widget())
    rig.sweep_for(60 * 23, step=30)
    assert "LeadsWaiting" not in capsys.readouterr().out
    rig.sweep_for(60 * 50, step=30)
    assert capsys.readouterr().out.count('"LeadsWaiting":[1.0]') == 1


def test_lists_are_read_in_pages(rig: RequestRig, monkeypatch: pytest.MonkeyPatch) -> None:
    from instore.runtime import request_operations

    monkeypatch.setattr(request_operations, "PAGE", 2)
    leads, own = [], []
    for n in range(5):
        rig.clock.advance(60)
        leads.append(rig.took(of_widget(), key=f"w-{n}", phone=phone(20 + n)))
        own.append(rig.took(key=f"o-{n}", phone=phone(20 + n)))
    for name, wanted in (("new_leads", leads), ("my_requests", own[::-1])):
        found: list[str] = []
        after: dict[str, str] = {}
        for size in (2, 2, 1):
            _, body = rig.ask_requests("GET /requests", scopes="requests/read", key=None,
                                       query={"list": name, **after})  # fmt: skip
            assert set(body) == {name}
            assert len(body[name]["requests"]) == size
            found += [one["id"] for one in body[name]["requests"]]
            after = {"after": body[name].get("next", "")}
        assert (found, after) == (wanted, {"after": ""})


@pytest.mark.parametrize(
    "query", [{"list": "all"}, {"after": "x"}, {"list": "new_leads", "after": "é"}]
)
def test_a_page_nobody_gave_is_refused(rig: RequestRig, query: dict[str, str]) -> None:
    status, _ = rig.ask_requests("GET /requests", scopes="requests/read", key=None, query=query)
    assert status == 400


def test_nobody_reads_a_number_here(rig: RequestRig) -> None:
    request = rig.took(email="ines@mail.example")
    told = str(
        [rig.look(request), rig.ask_requests("GET /requests", scopes="requests/read", key=None)]
    )
    assert INES not in told
    assert "ines@" not in told
    assert "+1…09" in told
    assert "i…@mail.example" in told


def test_an_answer_days_later_opens_the_day_it_belongs_to(rig: RequestRig) -> None:
    """By its associate here, and by one the sweep finds in the conversation."""
    here, there = rig.took(key="k-1"), rig.took(key="k-2", phone=phone(6))
    rig.clock.advance(2 * 86400)
    assert rig.reply(here)[1]["state"] == "sent"
    rig.send(rig.draft("talk-1", phone(6), sender=Phone(RELAY)))
    rig.sweep_for(60 * 25, step=60)
    assert rig.look(there)[1]["state"] == "answered"
    day = rig.table.query("KPI#kay#2026-11")
    assert [(one["sk"], one["open"]) for one in day] == [(f"2026-11-18#{ACCOUNT}/{GROUP}", True)]


def test_a_number_twilio_took_away_is_noted_and_the_answer_refused(
    rig: RequestRig, capsys: Any
) -> None:
    from instore.carrier_codes import effect_of
    from instore.errors import TwilioRefusedError

    request = rig.took()
    rig.twilio.failures = [
        TwilioRefusedError(code=21606, effect=effect_of(21606), vendor_status=400)
    ]
    status, body = rig.reply(request)
    assert (status, body["state"], body["reason"]) == (200, "refused", "sender_lost")
    assert body["why"]
    assert rig.request(request).replied_at is None
    assert rig.table.get(f"LINE#{RELAY}", "LOST") is not None
    assert '"RequestRepliesRefused":[1.0]' in capsys.readouterr().out
    assert rig.look(request)[1]["state"] == "taken"


def test_a_busy_twilio_is_asked_again_by_the_sweep(rig: RequestRig) -> None:
    from instore.errors import VendorThrottledError

    request = rig.took()
    rig.twilio.failures = [VendorThrottledError("busy")]
    assert rig.reply(request)[1]["delivery"] == "intended"
    rig.sweep_for(8)
    assert len(rig.twilio.messages) == 2
    assert rig.request(request).replies == ()
    assert rig.request(request).replied_at is not None


def test_an_answer_nobody_can_know_of_counts_as_one(rig: RequestRig) -> None:
    from instore.errors import VendorUnavailableError

    request = rig.took()
    rig.twilio.failures = [VendorUnavailableError("time-out")]
    rig.clock.advance(60)
    assert rig.reply(request)[1]["delivery"] == "unknown"
    rig.sweep_for(90, step=5)
    assert len(rig.twilio.messages) == 1
    assert iso(rig.request(request).replied_at) == "2026-11-18T17:01:00.000Z"  # type: ignore[arg-type]  # it is there
    assert rig.look(request)[1]["replies"][0]["delivery"] == "unresolved"


@pytest.mark.parametrize(("failure", "state", "asked"), [
    ("VendorError", "refused", 1), ("VendorNotAuthorizedError", "asked", 2),
    ("VendorThrottledError", "asked", 2), ("VendorGarbageError", "asked", 2),
])  # fmt: skip
def test_what_the_mail_says_decides_whether_it_is_asked_again(
    rig: RequestRig, failure: str, state: str, asked: int
) -> None:
    from instore import errors

    request = rig.took(by_email())
    rig.mail.failures = [getattr(errors, failure)("x")]
    assert rig.reply(request)[1]["state"] == state
    rig.sweep_for(10, step=5)
    assert len(rig.mail.asked) == asked
    assert rig.look(request)[1]["replies"][0]["state"] == ("refused" if asked == 1 else "sent")


def test_a_mail_that_never_answers_is_given_up(rig: RequestRig) -> None:
    from instore.errors import VendorNotReachedError

    request = rig.took(by_email())
    rig.mail.failures = [VendorNotReachedError("x")] * 5000
    assert rig.reply(request)[0] == 202
    rig.sweep_for(60 * 24 * 4 + 60, step=120)
    reply = rig.look(request)[1]["replies"][0]
    assert (reply["state"], reply["reason"]) == ("refused", "vendor_unavailable")
    assert rig.request(request).replies == ()


def test_without_a_line_any_more_nothing_is_answered(rig: RequestRig) -> None:
    by_mail, by_text_ = rig.took(by_email(), key="k-1"), rig.took(key="k-2")
    rig.with_requests(lambda d: d["line"].pop("mail"))
    assert rig.reply(by_mail)[1]["code"] == "mail_off"
    rig.with_requests(lambda d: d.update(stops={"associates": [LOGINS[ANNA]]}))
    assert rig.reply(by_text_)[1]["code"] == "stopped_associate"
    rig.with_requests(lambda d: d.pop("line"))
    assert rig.reply(by_text_)[1]["code"] == "line_off"


def test_a_host_of_pictures_that_is_away_is_told_and_nothing_is_stored(rig: RequestRig) -> None:
    from instore.errors import UnavailableError

    request = rig.took()
    rig.files.away = UnavailableError("away", code="media_unavailable")
    status, body = rig.reply(request, media=[PICTURE])
    assert (status, body["code"]) == (503, "media_unavailable")
    rig.files.away = None
    assert rig.reply(request, media=[PICTURE])[0] == 200
    assert rig.reply(request, media=[PICTURE])[0] == 200
    assert rig.files.asked == [PICTURE] * 2  # the same answer again does not look again


def test_words_of_the_program_confirm_in_the_customers_language(rig: RequestRig) -> None:
    said = "{banner}: gracias. {associate} le escribe aqui. AYUDA para ayuda, ALTO para terminar."
    rig.with_requests(lambda d: d.update(messages={"es": {"texts": {"request_text": said}}}))
    rig.took(language="es")
    assert rig.twilio.messages[0].body == (
        "Kay Jewelers: gracias. N201 le escribe aqui. AYUDA para ayuda, ALTO para terminar."
    )


def test_a_table_that_goes_away_in_between_loses_nothing(
    rig: RequestRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from instore.adapters.facts import Facts
    from instore.errors import UnavailableError

    def away(*_: Any, **__: Any) -> bool:
        raise UnavailableError("the table did not answer")

    with monkeypatch.context() as patch:
        patch.setattr(Facts, "tell", away)
        status, body = rig.submit()
    assert (status, body["confirmation"]["state"]) == (201, "intended")
    assert rig.twilio.messages == []
    rig.sweep_for(2)
    assert len(rig.twilio.messages) == 1
    assert rig.submit()[1]["confirmation"]["state"] == "queued"


def test_what_was_switched_off_meanwhile_refuses_what_waits(rig: RequestRig) -> None:
    from instore.errors import VendorNotReachedError

    request = rig.took(by_email())
    rig.mail.failures = [VendorNotReachedError("x")]
    assert rig.reply(request)[0] == 202
    rig.with_requests(lambda d: d["line"].pop("mail"))
    rig.sweep_for(8)
    reply = rig.look(request)[1]["replies"][0]
    assert (reply["state"], reply["reason"]) == ("refused", "mail_off")
    assert rig.mail.letters == {}


def test_a_store_of_a_banner_that_is_gone_takes_no_requests(rig: RequestRig) -> None:
    from dataclasses import replace

    from tests.request_rig import other_store

    rig.write_store(replace(other_store(), group="4300", banner="gone", associates=()))
    assert rig.submit(of_widget(store="4300"))[1]["code"] == "unknown_store"


def test_where_the_customer_may_be_is_kept_with_the_consent(rig: RequestRig) -> None:
    consent = {"wording": WORDING, "zone": "America/Denver", "postal_code": "80202"}
    request = rig.took(consent=consent)
    customer = rig.services().customers.get(rig.request(request).customer)
    assert customer is not None
    assert (customer.zone, customer.postal_code) == ("America/Denver", "80202")
    status, body = rig.submit(consent={**consent, "zone": "America/Nowhere"}, key="k-2")
    assert (status, body["details"][0]["where"]) == (400, "consent.zone")


def test_an_answer_when_too_many_are_on_their_way_waits(rig: RequestRig) -> None:
    rig.clock.advance(10 * 3600)
    request = rig.took()
    rig.clock.advance(20 * 60)
    for n in range(20):
        assert rig.reply(request, key=f"r-{n}")[0] == 202
    assert rig.reply(request, key="r-20")[1]["code"] == "too_many_replies"
