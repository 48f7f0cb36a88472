"""How calls to Twilio go: credentials, patience, refusals, pages, addresses."""

from __future__ import annotations

import base64
import logging
from typing import Any

import httpx
import pytest
from tests.adapters.twilio_rig import (
    ACCOUNT,
    ANA,
    LINE,
    SEND,
    SERVICE,
    SHOP,
    SID,
    TEXT,
    Rig,
    page,
    refusal,
    text,
)
from tests.adapters.vendor_rig import good

from instore.carrier_codes import Effect
from instore.errors import (
    TwilioRefusedError,
    UnavailableError,
    VendorGarbageError,
    VendorNotAuthorizedError,
    VendorNotReachedError,
    VendorThrottledError,
)


def test_api_key_instead_of_the_auth_token(clock: Any) -> None:
    rig = Rig(clock, good(text(), status=201))
    rig.manager.values[LINE.secret] |= {"api_key_sid": "SKkey", "api_key_secret": "word"}
    rig.twilio.send(LINE, **SEND)
    proof = base64.b64encode(b"SKkey:word").decode()
    assert rig.seen[0].headers["authorization"] == f"Basic {proof}"


@pytest.mark.parametrize(
    "secret", [{}, {"auth_token": ""}, {"auth_token": 7}, {"api_key_sid": "SKkey"}]
)
def test_secret_without_credentials(clock: Any, secret: Any) -> None:
    rig = Rig(clock, good(text(), status=201))
    rig.manager.values[LINE.secret] = secret
    with pytest.raises(UnavailableError) as caught:
        rig.twilio.send(LINE, **SEND)
    assert (caught.value.public_code, rig.seen) == ("secret_unavailable", [])


def test_half_an_api_key_is_none(clock: Any) -> None:
    rig = Rig(clock, good(text(), status=201))
    rig.manager.values[LINE.secret] |= {"api_key_sid": "SKkey", "api_key_secret": ""}
    rig.twilio.send(LINE, **SEND)
    proof = base64.b64encode(f"{SID}:token-1".encode()).decode()
    assert rig.seen[0].headers["authorization"] == f"Basic {proof}"


def test_rotated_token_is_read_anew(clock: Any) -> None:
    rig = Rig(clock, good(text(), status=201), refusal(20003, status=401), good(text(), status=201))
    rig.twilio.send(LINE, **SEND)
    rig.manager.values[LINE.secret] = {"auth_token": "token-2"}
    assert rig.twilio.send(LINE, **SEND).sid == TEXT
    proof = base64.b64encode(f"{SID}:token-2".encode()).decode()
    assert [r.headers["authorization"] == f"Basic {proof}" for r in rig.seen] == [
        False,
        False,
        True,
    ]


def test_same_token_is_not_tried_twice_and_not_read_anew_for_a_minute(clock: Any) -> None:
    rig = Rig(clock, refusal(20003, status=401))
    reads = []
    for wait in (0, 59, 2):
        clock.advance(wait)
        with pytest.raises(VendorNotAuthorizedError):
            rig.twilio.send(LINE, **SEND)
        reads.append(rig.manager.reads)
    assert (len(rig.seen), reads) == (3, [2, 2, 3])


def test_429_is_tried_five_times_ever_slower(clock: Any) -> None:
    """100 ms, doubled, a tenth more or less: what Twilio advises. It did not process any."""
    rig = Rig(clock, refusal(20429, status=429))
    with pytest.raises(VendorThrottledError) as caught:
        rig.twilio.send(LINE, **SEND)
    assert (caught.value.processed, len(rig.seen), len(rig.slept)) == (False, 5, 4)
    for slept, wait in zip(rig.slept, (0.1, 0.2, 0.4, 0.8), strict=True):
        assert wait * 0.9 <= slept <= wait * 1.1
    assert len({r.content for r in rig.seen}) == 1


def test_429_and_then_yes(clock: Any) -> None:
    rig = Rig(clock, refusal(20429, status=429), httpx.Response(429), good(text(), status=201))
    assert rig.twilio.send(LINE, **SEND).sid == TEXT
    assert len(rig.seen) == 3


def test_waiting_ends_with_the_time_of_the_call(clock: Any) -> None:
    rig = Rig(clock)

    def slow(_: httpx.Request) -> httpx.Response:
        rig.ticks += 4.9
        return httpx.Response(429)

    rig.script = [slow]
    with pytest.raises(VendorThrottledError):
        rig.twilio.send(LINE, **SEND)
    assert (len(rig.seen), len(rig.slept)) == (2, 1)  # 4.9 + 0.1 + 4.9, and no 0.2 more


@pytest.mark.parametrize(
    ("code", "effect", "retryable"),
    [(21610, Effect.SUPPRESS, False), (21614, Effect.BAD_NUMBER, False),
     (21211, Effect.BAD_NUMBER, False), (21606, Effect.SENDER_LOST, False),
     (21611, Effect.RETRY_LATER, True), (21408, Effect.STOP_BATCH, False),
     (21604, Effect.ALARM, False), (29999, Effect.NONE, False), (None, Effect.NONE, False)],
)  # fmt: skip
def test_refused(clock: Any, code: int | None, effect: Effect, retryable: bool) -> None:
    rig = Rig(clock, refusal(code))
    with pytest.raises(TwilioRefusedError) as caught:
        rig.twilio.send(LINE, **SEND)
    raised = caught.value
    assert (raised.code, raised.effect, raised.retryable, raised.processed, raised.vendor_status) == (
        code, effect, retryable, False, 400,
    )  # fmt: skip
    assert len(rig.seen) == 1
    assert "555" not in f"{raised} {raised!r} {raised.message}"


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'"21610"', b'{"code": true}', b'{"code": 1}', b'{"code": 2161.0}',
             b'{"code": "x"}', b'{"code": {"code": 21610}}', b'{"code": -21610}', b"\xff"],
)  # fmt: skip
def test_a_refusal_that_gives_no_reason_has_no_effect(clock: Any, body: bytes) -> None:
    rig = Rig(clock, httpx.Response(422, content=body))
    with pytest.raises(TwilioRefusedError) as caught:
        rig.twilio.send(LINE, **SEND)
    assert (caught.value.code, caught.value.effect) == (None, Effect.NONE)


def test_code_in_digits_or_in_the_newer_shape(clock: Any) -> None:
    newer = {"type": "about:blank", "title": "No", "status": 400, "code": 21610}
    for body in ({"code": "21610"}, newer):
        with pytest.raises(TwilioRefusedError) as caught:
            Rig(clock, good(body, status=400)).twilio.send(LINE, **SEND)
        assert caught.value.effect is Effect.SUPPRESS


@pytest.mark.parametrize(
    "following",
    ["https://elsewhere.test/", "//elsewhere.test/", "@elsewhere.test/", 5, ["x"], True,
     f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json?Page=1", f"{ACCOUNT}/Messages.json",
     f"{ACCOUNT}/Calls.json?Page=1", f"{ACCOUNT}/Messages.json?Page=1 HTTP/1.1\r\nX: y",
     f"{ACCOUNT}/Messages.json?Page=é"],
)  # fmt: skip
def test_a_next_page_elsewhere_does_not_get_our_credentials(clock: Any, following: Any) -> None:
    rig = Rig(clock, page(text(), following=following))
    with pytest.raises(VendorGarbageError):
        rig.twilio.list(LINE, to=ANA, sender=SHOP)
    assert len(rig.seen) == 1


def test_pages_in_a_circle_end(clock: Any) -> None:
    rig = Rig(clock, page(text(), following=f"{ACCOUNT}/Messages.json?Page=1"))
    with pytest.raises(VendorGarbageError):
        rig.twilio.list(LINE, to=ANA, sender=SHOP)
    assert len(rig.seen) == 2


def test_pages_without_end_end_with_the_minute(clock: Any) -> None:
    rig = Rig(clock)

    def more(_: httpx.Request) -> httpx.Response:
        rig.ticks += 5
        return page(following=f"{ACCOUNT}/Messages.json?Page={len(rig.seen)}")

    rig.script = [more]
    with pytest.raises(VendorNotReachedError):
        rig.twilio.list(LINE, to=ANA, sender=SHOP)
    assert len(rig.seen) == 12


def test_one_address_stands_in_for_all_of_twilio(clock: Any) -> None:
    answer = {"sid": "PN" + "90ab" * 8, "account_sid": SID, "service_sid": SERVICE}
    rig = Rig(clock, good(text(), status=201), good(answer, status=201),
              api="http://127.0.0.1:4010/")  # fmt: skip
    rig.twilio.send(LINE, **SEND)
    rig.twilio.add_to_service(LINE, service=SERVICE, sid="PN" + "90ab" * 8)
    assert [str(r.url) for r in rig.seen] == [
        f"http://127.0.0.1:4010{ACCOUNT}/Messages.json",
        f"http://127.0.0.1:4010/v1/Services/{SERVICE}/PhoneNumbers",
    ]  # fmt: skip


def test_a_text_goes_over_a_new_connection_and_a_question_over_a_kept_one(clock: Any) -> None:
    """On a kept connection that went stale while the process was frozen, a text would be lost
    without anybody knowing how far it came."""
    rig = Rig(clock, good(text(), status=201), good(text()))
    rig.twilio.send(LINE, **SEND)
    rig.twilio.fetch(LINE, sid=TEXT)
    kept = rig.twilio._session._http._clients
    assert set(kept) == {True, False}
    rig.twilio.close()
    assert kept == {}


def test_numbers_and_words_do_not_reach_the_logs(
    clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    caplog.set_level(logging.INFO)
    rig = Rig(clock, page(text()))
    rig.twilio.list(LINE, to=ANA, sender=SHOP)
    assert (len(rig.seen), caplog.text) == (1, "")
