"""Words of an associate or the bot in a conversation of the SMS line, texted to the customer.

From the number the customer texted, whoever wrote; once for each message, by the name LivePerson
gave it. What is said among agents stays there. To a customer who was erased nothing goes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .line_text import Draft, Purpose
from .model import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable

    from .adapters.lines import Lines
    from .adapters.stores import Stores
    from .adapters.threads import Threads
    from .assignment import ConversationChange
    from .line_text import Outcome

LONGEST = 1600  # characters of one text; Twilio, Messages resource, `Body`


@dataclass(frozen=True, slots=True)
class Means:
    """What passing words on works with. `send` is texting.send with its own means."""

    threads: Threads
    lines: Lines
    stores: Stores
    send: Callable[[Draft], Outcome]


def pass_on(change: ConversationChange, *, means: Means) -> str:
    """Text what was written. Says what came of it: `texted`, or the state of a text that did not
    go; `foreign` (no conversation of the line), `wordless`, `no_thread`, `number_gone`.

    Brought again, nothing is texted again. Raises UnavailableError: bring it again.
    """
    if not change.words:
        return "wordless"
    owner = means.threads.owner_of(change.account, conversation=change.conversation)
    if owner is None:
        return "foreign"
    thread = means.threads.get(owner.customer, line=owner.line)
    if thread is None or thread.phone is None:
        return "no_thread"
    relay = means.lines.get(owner.line)
    if relay is not None and relay.is_gone:
        return "number_gone"
    writer = change.agents[0].pid
    pointer = means.stores.by_pid(change.account, pid=writer)
    named = change.event or [change.ts, writer, change.words]
    name = fingerprint([change.account, change.conversation, named])
    what = "texted"
    for n, part in enumerate(parts_of(change.words)):
        outcome = means.send(Draft(
            id=f"{name}-{n}", sender=owner.line, to=thread.phone, body=part,
            purpose=Purpose.REPLY, banner=thread.banner, customer=owner.customer, pointer=pointer,
            conversation=change.conversation, service=relay.service if relay else None,
        ))  # fmt: skip
        what = what if outcome.went else outcome.state.value
    return what


def parts_of(words: str) -> list[str]:
    """The words in texts that Twilio takes, cut where there is a space if there is one."""
    parts, rest = [], words.strip()
    while len(rest) > LONGEST:
        cut = max(rest.rfind(space, LONGEST // 2, LONGEST + 1) for space in "\n ")
        cut = cut if cut > 0 else LONGEST
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*parts, rest]
