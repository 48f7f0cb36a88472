"""What Twilio told us, as it goes through the queue: a customer's text, or a status of ours.

The webhook verifies and queues, `inbound_sms` works on it. Nothing is left out of the form: new
fields appear unannounced.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from .errors import BadInputError
from .line_text import is_text_id
from .line_wish import Wish, wish_of
from .model import Phone, from_iso

INBOUND, STATUS = "inbound", "status"
_NO_NUMBER = "no-number"  # a short code, a name, nobody: kept in order among themselves


@dataclass(frozen=True, slots=True)
class Told:
    """One message of the queue: its kind, the form's fields, when we heard it."""

    kind: str
    fields: Mapping[str, str] = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where it stands in the queue: messages of a group come in order, the same `dedup` once."""

    group: str
    dedup: str


def place_of_text(fields: Mapping[str, str], *, id_of: Callable[[Phone], str]) -> Place:
    """In order per customer; but a STOP waits for nothing that was said before it, for that may be
    waiting for LivePerson (I9). Raises BadInputError for a form without MessageSid or From."""
    sid = _named(fields, "MessageSid")
    try:
        group = id_of(Phone(_named(fields, "From")))
    except BadInputError as error:
        if error.public_code != "invalid_number":
            raise
        group = _NO_NUMBER
    wish, _ = wish_of(fields.get("Body", ""), opt_out=fields.get("OptOutType", ""))
    return Place(sid if wish is Wish.STOP else group, sid)


def place_of_status(fields: Mapping[str, str], *, text: str) -> Place:
    """In order per text; `text` is our own id out of the callback's address."""
    sid, status = _named(fields, "MessageSid"), _named(fields, "MessageStatus")
    group = text if is_text_id(text) else sid
    return Place(group, "#".join([sid, status, fields.get("ErrorCode", "")]))


def from_message(body: str) -> Told:
    """What `Queues.sms` wrote. Raises BadInputError for anything else."""
    try:
        message = json.loads(body)
        told = Told(message["kind"], message["fields"], from_iso(message["at"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInputError("not a message of this queue", code="bad_message") from error
    if told.kind not in (INBOUND, STATUS) or not isinstance(told.fields, dict):
        raise BadInputError("not a message of this queue", code="bad_message")
    return told


def _named(fields: Mapping[str, str], name: str) -> str:
    if not fields.get(name):
        raise BadInputError(f"Twilio's form has no {name}", code="bad_form")
    return fields[name]
