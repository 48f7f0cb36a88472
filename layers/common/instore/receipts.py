"""The receipt of a decision: everything it depended on, so that it can be given again.

JSON text without names, numbers or message bodies: agent ids, states, times, rules. `replay`
decides the stored case anew; the answer is the stored one, byte for byte (a property test).
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from .model import Channel, Stickiness
from .presence import Presence, Status
from .routing import decide
from .routing_case import Act, Case, Choice, Decision, Person, Rules, Trace, Wanted

VERSION = 1


def write_receipt(case: Case, *, decision: Decision) -> str:
    """The receipt of `decision`, which must have been taken on `case`."""
    return _text({"v": VERSION, "case": asdict(case), "decision": asdict(decision)})


def replay(receipt: str) -> Decision:
    """Decide the receipt's case again. Raises ValueError for a version this code cannot read."""
    return decide(stored_case(receipt))


def stored_case(receipt: str) -> Case:
    """The case as it was written down, equal to the one that was decided."""
    stored = json.loads(receipt)
    if stored["v"] != VERSION:
        raise ValueError("a receipt of another version")
    return _case(stored["case"])


def stored_decision(receipt: str) -> Decision:
    """The decision as it was written down."""
    raw = json.loads(receipt)["decision"]
    trace = tuple(Trace(**step) for step in raw["trace"])
    return Decision(**{**raw, "act": Act(raw["act"]), "trace": trace})


def decision_text(decision: Decision) -> str:
    """A decision in the one canonical form, for comparing."""
    return _text(asdict(decision))


def _text(value: Any) -> str:
    return json.dumps(value, default=_plain, sort_keys=True, separators=(",", ":"))


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        # To the microsecond: rounding could change who waited longest.
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"no place in a receipt for {type(value).__name__}")


def _when(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _case(raw: dict[str, Any]) -> Case:
    rules = raw["rules"]
    return replace(
        Case(**raw),
        at=datetime.fromisoformat(raw["at"]),
        rules=Rules(**{**rules, "stickiness": Stickiness(rules["stickiness"]),
                       "steps": tuple(rules["steps"])}),
        channel=Channel(raw["channel"]),
        wanted=Wanted(raw["wanted"]),
        choice=Choice(raw["choice"]),
        people=tuple(_person(person) for person in raw["people"]),
        busy_since=_when(raw["busy_since"]),
        trail=tuple(raw["trail"]),
    )  # fmt: skip


def _person(raw: dict[str, Any]) -> Person:
    presence = raw["presence"]
    return Person(
        raw["agent_id"], raw["enabled"], raw["manager"],
        Presence(**{**presence, "status": Status(presence["status"]),
                    "since": _when(presence["since"])}),
    )  # fmt: skip
