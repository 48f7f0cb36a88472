"""A customer's text as Twilio tells it, what it asks of us, and the names of a thread."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from instore.errors import (
    BadInputError,
    UnavailableError,
    VendorError,
    VendorGarbageError,
    VendorNotAuthorizedError,
    VendorNotReachedError,
    VendorThrottledError,
    VendorUnavailableError,
)
from instore.line_conversation import is_refusal
from instore.line_wish import Wish, wish_of
from instore.model import Phone
from instore.thread import WORDLESS, Media, Opening, Thread, ThreadState, read_text

NOW = datetime(2026, 11, 18, 17, tzinfo=UTC)
SID = "SM" + "0a" * 16


def form(body: str = "Hi", **more: str) -> dict[str, str]:
    return {"MessageSid": SID, "From": "+12125550123", "To": "+12125550177", "Body": body, **more}


def test_a_text_is_read_whole() -> None:
    text = read_text(form(" Hi \ud83d", OptOutType="stop", NumMedia="1", MediaUrl0="https://x/1",
                          MediaContentType0="image/png", MediaUrl2="https://x/3"), at=NOW)  # fmt: skip
    assert (text.sid, text.body, text.at, text.opt_out) == (SID, " Hi \ufffd", NOW, "STOP")
    assert (text.sender, text.to) == (Phone("+12125550123"), Phone("+12125550177"))
    assert text.media == (Media("https://x/1", "image/png"), Media("https://x/3", "file"))
    assert text.words == " Hi \ufffd\n[image/png] https://x/1\n[file] https://x/3"


def test_what_is_no_number_is_nobody_and_is_kept_as_it_was_said() -> None:
    text = read_text(form(From="72345", To="BANK" * 20), at=NOW)
    assert (text.sender, text.to, text.said_from, text.said_to) == (
        None,
        None,
        "72345",
        "BANK" * 10,
    )


@pytest.mark.parametrize(
    "sid", ["", "SM 1", "SM/1", "x" * 65, "SM\n1", "#", f"{SID}NumMedia0", SID[:-1]]
)
def test_what_has_no_sid_is_no_text(sid: str) -> None:
    with pytest.raises(BadInputError):
        read_text(form(MessageSid=sid), at=NOW)


def test_nothing_is_something_to_read() -> None:
    assert read_text({"MessageSid": SID}, at=NOW).words == WORDLESS
    assert read_text(form("  "), at=NOW).words == WORDLESS


def test_numbers_and_words_are_not_shown() -> None:
    text = read_text(form("My secret", MediaUrl0="https://secret"), at=NOW)
    opening = Opening("c", Phone("+12125550123"), Phone("+12125550177"), "901")
    thread = Thread("c", Phone("+12125550177"), Phone("+12125550123"), "kay", "1", ThreadState.OPEN,
                    NOW, NOW, NOW)  # fmt: skip
    shown = repr((text, opening, thread))
    assert "secret" not in shown
    assert "5550123" not in shown


def test_a_threads_consumer_names_nobody() -> None:
    thread = Thread("ab" * 20, Phone("+12125550177"), None, "kay", "1", ThreadState.OPEN, NOW, NOW,
                    NOW)  # fmt: skip
    assert thread.consumer == f"{'ab' * 20}.12125550177"


@pytest.mark.parametrize(
    ("body", "opt_out", "wish", "answered"),
    [
        ("STOP", "", Wish.STOP, True),
        ("stop.", "", Wish.STOP, False),
        ("no more texts please", "", Wish.STOP, False),
        ("Hola", "STOP", Wish.STOP, True),
        ("START", "", Wish.START, True),
        ("Yes", "", Wish.START, True),
        ("yes please", "", Wish.NONE, False),
        ("start again", "", Wish.START, False),
        ("x", "START", Wish.START, True),
        ("HELP", "", Wish.HELP, False),
        ("x", "HELP", Wish.HELP, True),
        ("¡AYUDA!", "", Wish.HELP, False),
        ("help me", "", Wish.NONE, False),
        ("Stop by tomorrow?", "", Wish.NONE, False),
        ("Is my ring ready?", "NONE", Wish.NONE, False),
        ("Is my ring ready?", "SOMETHING", Wish.NONE, False),
    ],
)
def test_what_a_text_asks_of_us(body: str, opt_out: str, wish: Wish, answered: bool) -> None:
    text = read_text(form(body, OptOutType=opt_out), at=NOW)
    assert wish_of(text.body, opt_out=text.opt_out) == (wish, answered)


@pytest.mark.parametrize(
    ("error", "refused"),
    [(VendorError("no"), True), (VendorNotAuthorizedError("no"), False),
     (VendorThrottledError("no"), False), (VendorNotReachedError("no"), False),
     (VendorUnavailableError("no"), False), (VendorGarbageError("no"), False)],
)  # fmt: skip
def test_what_is_a_no_to_the_words_themselves(error: Any, refused: bool) -> None:
    assert is_refusal(error) is refused
    assert not isinstance(error, UnavailableError)
