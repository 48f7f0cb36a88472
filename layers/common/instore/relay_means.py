"""What relay numbers are worked on with, and how: on what is stored now, anew whenever overtaken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from .carrier import CALL_AGAIN
from .directory import Associate, Pointer, Store
from .errors import UnavailableError
from .program import Banner, Program
from .program_line import Line
from .relay_state import UNCLEAR_FOR, Activation

if TYPE_CHECKING:
    from .adapters.customers import Customers
    from .adapters.lines import Lines
    from .adapters.stores import Stores
    from .adapters.twilio import Twilio

AGAIN = UNCLEAR_FOR + timedelta(seconds=5)
# With fewer seconds left, nothing more is begun: it is for the next invocation.
SPARE_S = 20.0
_TRIES = 6
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Means:
    """What relay numbers are worked on with. `public_url` is where Twilio reaches us, `token`
    gives ten random hex digits, `remaining` the seconds this invocation has left."""

    lines: Lines
    twilio: Twilio
    stores: Stores
    customers: Customers
    program: Program
    public_url: str
    now: Callable[[], datetime]
    token: Callable[[], str]
    remaining: Callable[[], float]

    @property
    def sms_url(self) -> str:
        return f"{self.public_url}/twilio/sms{CALL_AGAIN}"

    @property
    def voice_url(self) -> str:
        return f"{self.public_url}/twilio/voice/line"

    @property
    def line(self) -> Line:
        """The program's line. Raises UnavailableError when it has none: numbers are still ours, and
        the program forgot them."""
        line = self.program.line
        if line is None:
            raise UnavailableError("the program has no SMS line", code="line_off")
        return line

    def line_of(self, held: Activation) -> Line:
        """The line at the account in which this one's number was bought."""
        line = self.line
        return line if held.account_sid is None else line.at(held.account_sid)


@dataclass(frozen=True, slots=True)
class User:
    """Who is to have a number, as the agent map and the program have them now."""

    pointer: Pointer
    associate: Associate
    store: Store
    banner: Banner
    line: Line


def settled(
    pointer: Pointer, *, means: Means, step: Callable[[Activation | None], T | None]
) -> T:  # fmt: skip
    """What `step` makes of the associate's activation as it is stored now. None from it: overtaken
    by somebody else's write, so it looks again. Raises UnavailableError when that goes on."""
    for _ in range(_TRIES):
        made = step(means.lines.activation(pointer.account, agent_id=pointer.agent_id))
        if made is not None:
            return made
    raise UnavailableError("the activation keeps changing", code="line_contended")
