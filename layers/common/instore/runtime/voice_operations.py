"""Calls, route by route: who asks about which call, and the flow that answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from .. import deflecting, line_voice
from ..call_answers import Answer, Ring
from ..errors import BadInputError, UnavailableError
from ..model import Phone
from .means import deflecting_means
from .observability import count
from .services import Services

Event = Mapping[str, Any]
Fields = Mapping[str, str]
Step = Callable[[Event, Fields, Services], Answer]

_CALL = re.compile(r"CA[0-9a-fA-F]{32}\Z")
_TURN = re.compile(r"[1-9]\Z")


def offer(event: Event, fields: Fields, house: Services) -> Answer:
    """POST /twilio/voice/{branch}: the number's voice address, or a Redirect of the brand's menu."""
    ring = _ring(event, fields, house)
    return deflecting.offer(ring, means=_means(event, house), now=house.now())


def choice(event: Event, fields: Fields, house: Services) -> Answer:
    """POST /twilio/voice/{branch}/choice: what was pressed after the offer of a turn."""
    query = event.get("queryStringParameters") or {}
    turn, mark = str(query.get("turn", "")), str(query.get("offer", ""))
    ring = _ring(event, fields, house)
    return deflecting.choose(ring, turn=int(turn) if _TURN.match(turn) else 1, offer=mark,
                             means=_means(event, house), now=house.now())  # fmt: skip


def ended(event: Event, fields: Fields, house: Services) -> Answer:
    """POST /twilio/voice/{branch}/ended: the number's status address; nothing is said any more."""
    ring = _ring(event, fields, house)
    return Answer("", deflecting.hear_end(ring, means=_means(event, house), now=house.now()))


def line(_event: Event, fields: Fields, house: Services) -> Answer:
    """POST /twilio/voice/line: somebody calls an associate's relay number (R146)."""
    found = store = None
    # A table that is away costs the store's name, not the answer.
    with suppress(BadInputError, UnavailableError):
        found = house.lines.get(Phone(fields.get("To", "")))
        if found is not None:
            associate = found.answers_to  # who may have moved to another store since
            where = house.stores.by_agent(associate.account, agent_id=associate.agent_id)
            where = where or associate
            store = house.stores.store(where.account, group=where.group)
    return Answer(line_voice.text_only(found, store=store, program=house.programs.at_hand()),
                  "text_only")  # fmt: skip


STEPS: Mapping[str, Step] = {
    "POST /twilio/voice/line": line,
    "POST /twilio/voice/{branch}": offer,
    "POST /twilio/voice/{branch}/choice": choice,
    "POST /twilio/voice/{branch}/ended": ended,
}


def _means(event: Event, house: Services) -> deflecting.Means:
    public_url = house.twilio_webhooks.public_url(event)
    return deflecting_means(house, count=count, public_url=public_url, hurry=True)


def _ring(event: Event, fields: Fields, house: Services) -> Ring:
    """Raises BadInputError for a form that is no call's, UnavailableError for a branch that the
    program does not have: a number is set up wrongly, and its callers wait."""
    sid = fields.get("CallSid", "")
    if not _CALL.match(sid):
        raise BadInputError("not a call of Twilio's", code="bad_form")
    program = house.programs.at_hand()
    name = str((event.get("pathParameters") or {}).get("branch", ""))
    branch = program.line.branch(name) if program.line else None
    banner = program.banner(branch.banner) if branch else None
    if branch is None or banner is None:
        raise UnavailableError("the program has no such branch", code="unknown_branch")
    return Ring(sid, fields, program, branch, banner, house.twilio_webhooks.public_url(event))
