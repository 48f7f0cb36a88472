"""What a customer's text asks of us beside being read: to stop, to start again, for help.

Told by the text alone, so that the webhook, which asks no table, knows a STOP for one.
"""

from __future__ import annotations

from enum import StrEnum

from .revocation import is_carrier_word, is_restart, is_revocation

# Twilio lifts its own block for these, and says so itself; source as for `is_carrier_word`.
_TWILIO_STARTS = frozenset({"START", "YES", "UNSTOP"})
_HELP = frozenset({"HELP", "INFO", "AYUDA", "AIDE"})


class Wish(StrEnum):
    """What a text asks of us, beside being read."""

    STOP = "stop"
    START = "start"
    HELP = "help"
    NONE = "none"


def wish_of(body: str, *, opt_out: str = "") -> tuple[Wish, bool]:
    """What a text asks of us, and whether Twilio has answered it: by its default handling, which
    takes one word alone, or by the account's own (Advanced Opt-Out), which names it (`opt_out`)."""
    named = opt_out.strip().upper()
    if named in Wish.__members__ and named != "NONE":
        return Wish[named], True
    if is_revocation(body):
        return Wish.STOP, is_carrier_word(body)
    lifts = body.strip().upper() in _TWILIO_STARTS
    if lifts or is_restart(body):
        return Wish.START, lifts
    if body.strip(" \t\r\n.,!?¡¿").upper() in _HELP:
        # Twilio's default answer names no brand, and carriers want one that does (CTIA).
        return Wish.HELP, False
    return Wish.NONE, False
