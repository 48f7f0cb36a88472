"""Texts through Twilio: what goes over the wire, what is read, what is refused beforehand."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.adapters.twilio_rig import (
    ACCOUNT,
    ANA,
    LINE,
    PICTURE,
    SEND,
    SERVICE,
    SHOP,
    SID,
    TEXT,
    Rig,
    form,
    page,
    query,
    refusal,
    text,
)  # fmt: skip
from tests.adapters.vendor_rig import good

from instore.carrier import MessageSeen, SentText, body_digest
from instore.errors import (
    BadInputError,
    TwilioRefusedError,
    VendorGarbageError,
)
from instore.model import Phone

SEEN = MessageSeen(TEXT, "queued", None, ANA, SHOP, body_digest("Your ring is ready."),
                   datetime(2026, 11, 18, 16, 59, 58, tzinfo=UTC))  # fmt: skip

NUMBER_LIKE = "PN" + "0" * 32


def test_send(clock: Any) -> None:
    rig = Rig(clock, good(text(), status=201))
    assert rig.twilio.send(LINE, **SEND) == SentText(TEXT, "queued", 1)
    (request,) = rig.seen
    assert (request.method, str(request.url)) == (
        "POST", f"https://api.twilio.com{ACCOUNT}/Messages.json"
    )  # fmt: skip
    assert form(request) == [
        ("To", "+16465550171"), ("From", "+12125550140"), ("Body", "Your ring is ready."),
        ("StatusCallback", "https://shop.test/twilio/status?text=t-1"), ("ValidityPeriod", "600"),
    ]  # fmt: skip
    proof = base64.b64encode(f"{SID}:token-1".encode()).decode()
    assert request.headers["authorization"] == f"Basic {proof}"
    assert request.headers["accept"] == "application/json"
    assert request.extensions["timeout"] == {"connect": 1.5, "pool": 1.5, "read": 7, "write": 7}


def test_send_with_service_and_pictures(clock: Any) -> None:
    """The sender goes along with the service, so that Twilio does not choose another one."""
    rig = Rig(clock, good(text(sid=PICTURE, status="accepted", num_segments="0"), status=201))
    sent = rig.twilio.send(LINE, **{**SEND, "body": "é & + = 💍\n"}, service=SERVICE,
                           media=["https://cdn.test/a.jpg?x=1&y=2", "https://cdn.test/b.png"])  # fmt: skip
    assert sent == SentText(PICTURE, "accepted", 0)
    assert form(rig.seen[0]) == [
        ("To", "+16465550171"), ("From", "+12125550140"), ("MessagingServiceSid", SERVICE),
        ("Body", "é & + = 💍\n"), ("MediaUrl", "https://cdn.test/a.jpg?x=1&y=2"),
        ("MediaUrl", "https://cdn.test/b.png"),
        ("StatusCallback", "https://shop.test/twilio/status?text=t-1"), ("ValidityPeriod", "600"),
    ]  # fmt: skip


def test_picture_without_words(clock: Any) -> None:
    rig = Rig(clock, good(text(sid=PICTURE), status=201))
    rig.twilio.send(LINE, **{**SEND, "body": ""}, media=["https://cdn.test/a.jpg"])
    assert [name for name, _ in form(rig.seen[0])][2] == "MediaUrl"


def test_half_an_emoji_is_mended(clock: Any) -> None:
    rig = Rig(clock, good(text(), status=201))
    rig.twilio.send(LINE, **{**SEND, "body": "ring \ud83d"})
    assert ("Body", "ring \ufffd") in form(rig.seen[0])


def test_a_text_that_failed_at_once_says_why(clock: Any) -> None:
    rig = Rig(clock, good(text(status="failed", error_code=30002), status=201))
    assert rig.twilio.send(LINE, **SEND) == SentText(TEXT, "failed", 1, 30002)


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"body": "x" * 1601}, "too_long"), ({"body": ""}, "no_content"), ({"body": " \n"}, "no_content"),
     ({"media": ["https://cdn.test/a.jpg"] * 11}, "too_many_media"),
     ({"sender": Phone("+18885550100")}, "toll_free"),
     ({"service": "MG12"}, "invalid_id"), ({"service": NUMBER_LIKE}, "invalid_id"),
     ({"validity_s": 0}, "invalid_validity"), ({"validity_s": 36_001}, "invalid_validity")],
)  # fmt: skip
def test_what_twilio_would_refuse_is_not_asked(clock: Any, changes: Any, code: str) -> None:
    rig = Rig(clock, good(text(), status=201))
    with pytest.raises(BadInputError) as caught:
        rig.twilio.send(LINE, **{**SEND, **changes})
    assert (caught.value.public_code, rig.seen) == (code, [])


@pytest.mark.parametrize("changes", [{"body": "x" * 1600}, {"validity_s": 1}, {"validity_s": 36_000},
                                     {"media": ["https://cdn.test/a.jpg"] * 10}])  # fmt: skip
def test_the_limits_themselves_are_allowed(clock: Any, changes: Any) -> None:
    rig = Rig(clock, good(text(), status=201))
    assert rig.twilio.send(LINE, **{**SEND, **changes}).sid == TEXT


def test_fetch(clock: Any) -> None:
    rig = Rig(clock, good(text(status="undelivered", error_code=30003)))
    seen = rig.twilio.fetch(LINE, sid=TEXT)
    assert (seen.sid, seen.status, seen.code) == (TEXT, "undelivered", 30003)
    (request,) = rig.seen
    assert (request.method, str(request.url)) == (
        "GET", f"https://api.twilio.com{ACCOUNT}/Messages/{TEXT}.json"
    )  # fmt: skip
    assert request.content == b""


def test_fetch_of_what_is_not_there(clock: Any) -> None:
    rig = Rig(clock, refusal(20404, status=404))
    with pytest.raises(TwilioRefusedError) as caught:
        rig.twilio.fetch(LINE, sid=TEXT)
    assert (caught.value.code, caught.value.vendor_status) == (20404, 404)


@pytest.mark.parametrize("sid", ["", "SM1", "../" + TEXT, TEXT + "\n", SERVICE, TEXT + "0"])
def test_fetch_of_what_is_no_id(clock: Any, sid: str) -> None:
    rig = Rig(clock, good(text()))
    with pytest.raises(BadInputError):
        rig.twilio.fetch(LINE, sid=sid)
    assert rig.seen == []


def test_list(clock: Any) -> None:
    rig = Rig(clock, page(text(), text(sid=PICTURE, status="accepted", sender=None)))
    first, second = rig.twilio.list(LINE, to=ANA, sender=SHOP, limit=20)
    assert first == SEEN
    assert (second.sid, second.sender) == (PICTURE, None)
    assert rig.seen[0].url.path == f"{ACCOUNT}/Messages.json"
    assert query(rig.seen[0]) == [
        ("To", "+16465550171"), ("From", "+12125550140"), ("PageSize", "20")
    ]  # fmt: skip
    assert b"To=%2B1646" in rig.seen[0].url.query  # a bare plus would be a space


def test_list_goes_on_to_the_next_page_until_there_are_enough(clock: Any) -> None:
    following = f"{ACCOUNT}/Messages.json?To=%2B16465550171&PageSize=2&Page=1&PageToken=PASM1"
    rig = Rig(
        clock, page(text(), text(), following=following), page(text(), text(), following=following)
    )
    assert len(rig.twilio.list(LINE, to=ANA, sender=SHOP, limit=3)) == 3
    assert [r.url.raw_path.decode() for r in rig.seen][1:] == [following]
    assert all(r.url.host == "api.twilio.com" for r in rig.seen)


def test_list_of_nothing(clock: Any) -> None:
    assert Rig(clock, page()).twilio.list(LINE, to=ANA, sender=SHOP) == []
    assert Rig(clock, page(following="")).twilio.list(LINE, to=ANA, sender=SHOP) == []


@pytest.mark.parametrize(
    "changes", [{"to": "+16465550172"}, {"to": None}, {"sender": "+12125550141"}]
)
def test_a_list_of_other_texts_is_no_list(clock: Any, changes: Any) -> None:
    """A filter that was ignored may have pushed the one we look for off the page."""
    with pytest.raises(VendorGarbageError):
        Rig(clock, page(text(), text(**changes))).twilio.list(LINE, to=ANA, sender=SHOP)


@pytest.mark.parametrize(
    "changes",
    [{"sid": None}, {"sid": "SM1"}, {"sid": NUMBER_LIKE}, {"account_sid": "AC" + "0" * 32},
     {"account_sid": None}, {"status": None}, {"status": ""}, {"status": "QUEUED"}, {"status": 5},
     {"error_code": "no"}, {"error_code": True}, {"error_code": 12}, {"body": 5},
     {"body": "x" * 20_001}, {"date_created": None}, {"date_created": "2026-11-18T17:00:00Z"},
     {"date_created": "yesterday"}, {"date_created": "Wed, 18 Nov 2026 16:59:58 -0000"},
     {"to": 5}],
)  # fmt: skip
def test_a_text_that_cannot_be_read_is_no_information(clock: Any, changes: Any) -> None:
    with pytest.raises(VendorGarbageError):
        Rig(clock, good(text(**changes))).twilio.fetch(LINE, sid=TEXT)
    with pytest.raises(VendorGarbageError):
        Rig(clock, page(text(**changes))).twilio.list(LINE, to=ANA, sender=SHOP)


def test_a_picture_without_words_has_no_body(clock: Any) -> None:
    """Null, says Twilio's own description of it; such a text in a list must not hide the others."""
    blank, worded = Rig(clock, page(text(body=None), text())).twilio.list(LINE, to=ANA, sender=SHOP)
    assert blank.digest == body_digest("")
    assert worded.digest != blank.digest
    without = text()
    del without["body"]
    with pytest.raises(VendorGarbageError):
        Rig(clock, page(without)).twilio.list(LINE, to=ANA, sender=SHOP)


@pytest.mark.parametrize(
    "changes", [{"num_segments": None}, {"num_segments": 1}, {"num_segments": "one"},
                {"num_segments": "-1"}, {"sid": ""}, {"account_sid": ""}, {"status": "no way!"}],
)  # fmt: skip
def test_a_sent_text_that_cannot_be_read_is_unknown(clock: Any, changes: Any) -> None:
    with pytest.raises(VendorGarbageError) as caught:
        Rig(clock, good(text(**changes), status=201)).twilio.send(LINE, **SEND)
    assert caught.value.processed is None


def test_another_text_is_not_the_one_asked_for(clock: Any) -> None:
    with pytest.raises(VendorGarbageError):
        Rig(clock, good(text(sid=PICTURE))).twilio.fetch(LINE, sid=TEXT)


def test_a_short_code_is_no_telephone_number(clock: Any) -> None:
    seen = Rig(clock, good(text(sender="24555"))).twilio.fetch(LINE, sid=TEXT)
    assert (seen.sender, seen.to) == (None, ANA)


def test_digest_names_the_words_and_not_the_spaces_around_them() -> None:
    assert body_digest(" Your ring is ready.\n") == body_digest("Your ring is ready.")
    assert body_digest("ring \ud83d") == body_digest("ring \ufffd")
    assert body_digest("Your ring is ready") != body_digest("Your ring is ready.")
    assert "ring" not in body_digest("ring")


def test_a_text_does_not_show_its_numbers() -> None:
    assert "555" not in repr(SEEN)
    assert SEEN.created_at.utcoffset() == timedelta(0)
