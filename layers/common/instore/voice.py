"""TwiML for calls: what Twilio says to a caller and does next, as text.

Escaped here and nowhere else. Source: Twilio, "TwiML for Programmable Voice": a document of at most
64 kB, `Say` of at most 4,096 characters; an empty `Gather` falls through to the next verb unless
`actionOnEmptyResult`, and then its action is asked with blank digits.
"""

from __future__ import annotations

from html import escape

# Twilio's own voices per language of the program; another code is handed on as it is.
_VOICES = {"en": "en-US", "es": "es-US", "fr": "fr-CA"}
MOST_WORDS = 4096


def document(*verbs: str) -> str:
    """A whole document of these verbs, in order."""
    inside = "".join(verbs)
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'


def say(words: str, *, language: str) -> str:
    """Speak."""
    return f'<Say language="{_text(voice_of(language))}">{_text(words[:MOST_WORDS])}</Say>'


def gather(*verbs: str, action: str, timeout_s: int) -> str:
    """Speak, then wait for one digit. `action` is asked with it, and with none after `timeout_s`
    seconds of silence."""
    inside = "".join(verbs)
    return (f'<Gather input="dtmf" numDigits="1" timeout="{timeout_s}" method="POST" '
            f'actionOnEmptyResult="true" action="{_text(action)}">{inside}</Gather>')  # fmt: skip


def go_on(onward: str) -> str:
    """The call goes on elsewhere: another document's address, or a telephone number."""
    if onward.startswith("+"):
        return f"<Dial>{_text(onward)}</Dial>"
    return f'<Redirect method="POST">{_text(onward)}</Redirect>'


def hang_up() -> str:
    """The end of the call."""
    return "<Hangup/>"


def voice_of(language: str) -> str:
    """The language Twilio speaks: the program's own, with a country."""
    return language if "-" in language else _VOICES.get(language, language)


def spelled(digits: str) -> str:
    """A telephone number as it is read out: one digit after the other, the area code apart."""
    groups = [digits.removeprefix("+")]
    if digits.startswith("+1") and len(digits) == 12:
        groups = [digits[2:5], digits[5:8], digits[8:]]
    return ", ".join(" ".join(group) for group in groups)


def _text(words: str) -> str:
    """Text that XML can hold: five characters escaped, control characters, halves of cut emoji and
    the two code points that are none left out."""
    whole = "".join(c for c in words if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"
                                                          and not "\ud800" <= c <= "\udfff"))  # fmt: skip
    return escape(whole)
