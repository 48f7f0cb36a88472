"""Which numbers are ours, and which of them a text of the SMS line comes from.

An associate's relay number is their banner's: it texts for no other, and for none that has gone back
to one number for all. What is not texted from it comes from the banner's own number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .model import Phone
from .relay_state import LineState

if TYPE_CHECKING:
    from .adapters.lines import Lines
    from .directory import Pointer
    from .program import Banner, Program
    from .relay_state import RelayLine


@dataclass(frozen=True, slots=True)
class Sender:
    """The number a text comes from; `service`: the messaging service it is in."""

    number: Phone
    service: str | None = None
    is_own: bool = False  # the associate's own relay number


def sender_for(pointer: Pointer | None, *, banner: Banner, lines: Lines) -> Sender:
    """The associate's own number if they have one of this banner, else the banner's; without a
    `pointer` the banner's. At most one GetItem."""
    if pointer is not None and banner.number.strategy == "relay":
        own = lines.of(pointer)
        if own is not None and own.banner == banner.name:
            return Sender(own.number, own.service, is_own=True)
    return Sender(Phone(banner.number.outbound))


def named_numbers(program: Program) -> set[str]:
    """The numbers (E.164) that the program itself has: its banners' and its branches'."""
    branches = program.line.branches if program.line else []
    return {banner.number.outbound for banner in program.banners} | {b.number for b in branches}


def is_ours(phone: Phone, *, program: Program, lines: Lines) -> bool:
    """Whether this is a number that texts come from, and nobody's handset: a banner's, a branch's
    of the voice menu, an associate's that Twilio does not have back. At most one GetItem."""
    return is_named(phone, program=program) or is_relay(lines.get(phone))


def is_named(phone: Phone, *, program: Program) -> bool:
    """The same of the numbers that need no looking up."""
    return phone.e164 in named_numbers(program)


def is_relay(line: RelayLine | None) -> bool:
    """The same of what is known of a relay number: given back, it is a stranger's."""
    return line is not None and line.state is not LineState.RELEASED
