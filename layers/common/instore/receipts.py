"""The receipt of a decision: everything it depended on, so that it can be given again.

JSON text without names, numbers or message bodies: agent ids, states, times, rules. `replay`
decides the stored case anew; the answer is the stored one, byte for byte (a property test).

A receipt lies on the conversation's item, whose every write costs its whole size, so version 2
writes positions for names and nothing twice (docs/decisions/0012). Version 1, as written before,
is still read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from .model import Channel, Stickiness, as_stored
from .presence import Presence, Status
from .routing import decide
from .routing_case import Act, CalledBranch, Case, Choice, Decision, Person, Rules, Trace, Wanted

VERSION = 2
# A person's state in a letter; small when LivePerson's answer did not mention them at all.
_LETTERS = {Status.ONLINE: "O", Status.BACK_SOON: "B", Status.AWAY: "A", Status.OFFLINE: "F",
            Status.UNKNOWN: "U"}  # fmt: skip
_STATUSES = {letter: status for status, letter in _LETTERS.items()}
_MANAGER, _DISABLED = "+", "-"
_MILLISECOND, _MICROSECOND = timedelta(milliseconds=1), timedelta(microseconds=1)


def write_receipt(case: Case, *, decision: Decision) -> str:
    """The receipt of `decision`, which must have been taken on `case`."""
    said = tuple(Trace("resolve", False, one) for one in case.trail)
    # The trace begins with what the resolvers said, which the case has already.
    known = len(said) if decision.trace[: len(said)] == said else 0
    skills = _skills(case.rules)
    return _text({
        "v": VERSION, "at": case.at, "program": case.program,
        "rules": _rules_out(case.rules),
        "case": [case.channel, case.notified, case.wanted, case.wanted_id, case.asked,
                 case.choice, case.store_open, case.answered, _ago(case.busy_since, case.at),
                 _ago(case.evidence_at, case.at)],
        "trail": case.trail,
        "people": [_person_out(person, case.at) for person in case.people],
        "did": [decision.act, decision.outcome, decision.message,
                skills.index(decision.skill) if decision.skill in skills else decision.skill,
                decision.agent_id, decision.waiting],
        "trace": [known, *([t.step, int(t.taken), t.why] for t in decision.trace[known:])],
        **({"called": [case.called.name, case.called.skill, case.called.intent]}
           if case.called else {}),
    })  # fmt: skip


def replay(receipt: str) -> Decision:
    """Decide the receipt's case again. Raises ValueError for a receipt this code cannot read."""
    with readable():
        return decide(stored_case(receipt))


def stored_case(receipt: str) -> Case:
    """The case as it was written down, equal to the one that was decided. Raises ValueError."""
    with readable():
        stored = _read(receipt)
        return _first_case(stored["case"]) if stored["v"] == 1 else _case(stored)


def stored_decision(receipt: str) -> Decision:
    """The decision as it was written down. Raises ValueError."""
    with readable():
        return _decision(_read(receipt))


def _decision(stored: dict[str, Any]) -> Decision:
    if stored["v"] == 1:
        raw = stored["decision"]
        trace = tuple(Trace(**step) for step in raw["trace"])
        return Decision(**{**raw, "act": Act(raw["act"]), "trace": trace})
    act, outcome, message, skill, agent_id, waiting = stored["did"]
    known, *rest = stored["trace"]
    said = [Trace("resolve", False, one) for one in stored["trail"][:known]]
    looked = [Trace(step, bool(taken), why) for step, taken, why in rest]
    if isinstance(skill, int):
        skill = _skills(_rules(stored["rules"]))[skill]
    return Decision(Act(act), outcome, message, skill, agent_id, waiting, (*said, *looked))


def decision_text(decision: Decision) -> str:
    """A decision in the one canonical form, for comparing."""
    return _text(asdict(decision))


def replays(receipt: str) -> bool:
    """Whether this code, given the stored case, decides what was decided then, to the byte."""
    return decision_text(replay(receipt)) == decision_text(stored_decision(receipt))


@contextmanager
def readable() -> Iterator[None]:
    """What is no receipt fails in one way, however it is broken."""
    try:
        yield
    except (LookupError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError("not a receipt, or a broken one") from error


def _read(receipt: str) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(receipt)
    if stored["v"] not in (1, VERSION):
        raise ValueError("a receipt of another version")
    return stored


def _text(value: Any) -> str:
    return json.dumps(value, default=_plain, sort_keys=True, separators=(",", ":"))


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        # To the microsecond: rounding could change who waited longest.
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"no place in a receipt for {type(value).__name__}")


# ---------------------------------------------------------------- version 2


def _ago(instant: datetime | None, at: datetime) -> int | str | None:
    """How long before the decision, in ms; as a text of µs when that is no whole number.

    Counted from the decision's millisecond: LivePerson's times are whole milliseconds.
    """
    if instant is None:
        return None
    ago = as_stored(at) - instant
    whole, rest = divmod(ago, _MILLISECOND)
    return whole if not rest else str(ago // _MICROSECOND)


def _instant(ago: int | str | None, at: datetime) -> datetime | None:
    if ago is None:
        return None
    exact = isinstance(ago, str)
    return as_stored(at) - int(ago) * (_MICROSECOND if exact else _MILLISECOND)


def _skills(rules: Rules) -> tuple[str | None, ...]:
    return rules.human_skill, rules.virtual_skill, rules.last_skill


def _rules_out(rules: Rules) -> list[Any]:
    return [rules.stickiness, rules.steps, rules.closed, rules.all_offline_minutes,
            rules.all_busy_minutes, rules.keyword, rules.tries, *_skills(rules)]  # fmt: skip


def _rules(raw: list[Any]) -> Rules:
    stickiness, steps, *rest = raw
    return Rules(Stickiness(stickiness), tuple(steps), *rest)


def _person_out(person: Person, at: datetime) -> list[Any]:
    """`[agent id, state, load, free slots, since]`; what is not told at the end is left out."""
    presence = person.presence
    letter = _LETTERS[presence.status]
    state = (letter if presence.seen else letter.lower()) + (
        (_MANAGER if person.manager else "") + ("" if person.enabled else _DISABLED)
    )
    told = [person.agent_id, state, presence.load, presence.free_slots, _ago(presence.since, at)]
    while told[-1] is None:
        told.pop()
    return told


def _person(raw: list[Any], at: datetime) -> Person:
    agent_id, state, load, free, since = (raw + [None] * 5)[:5]
    letter, marks = state[0], state[1:]
    presence = Presence(_STATUSES[letter.upper()], load, free, _instant(since, at),
                        seen=letter.isupper())  # fmt: skip
    return Person(agent_id, _DISABLED not in marks, _MANAGER in marks, presence)


def _case(stored: dict[str, Any]) -> Case:
    at = datetime.fromisoformat(stored["at"])
    (channel, notified, wanted, wanted_id, asked, choice, store_open, answered, busy,
     evidence) = stored["case"]  # fmt: skip
    called = stored.get("called")
    return Case(
        at=at, program=stored["program"], rules=_rules(stored["rules"]),
        channel=Channel(channel), notified=notified, wanted=Wanted(wanted), wanted_id=wanted_id,
        asked=asked, choice=Choice(choice), store_open=store_open, answered=answered,
        people=tuple(_person(raw, at) for raw in stored["people"]),
        busy_since=_instant(busy, at), trail=tuple(stored["trail"]),
        evidence_at=_instant(evidence, at), called=CalledBranch(*called) if called else None,
    )  # fmt: skip


# ---------------------------------------------------------------- version 1, read only


def _first_case(raw: dict[str, Any]) -> Case:
    rules = raw["rules"]
    return replace(
        Case(**raw),
        at=datetime.fromisoformat(raw["at"]),
        rules=Rules(**{**rules, "stickiness": Stickiness(rules["stickiness"]),
                       "steps": tuple(rules["steps"])}),
        channel=Channel(raw["channel"]),
        wanted=Wanted(raw["wanted"]),
        choice=Choice(raw["choice"]),
        people=tuple(_first_person(person) for person in raw["people"]),
        busy_since=_when(raw["busy_since"]),
        trail=tuple(raw["trail"]),
    )  # fmt: skip


def _first_person(raw: dict[str, Any]) -> Person:
    presence = raw["presence"]
    return Person(
        raw["agent_id"], raw["enabled"], raw["manager"],
        Presence(**{**presence, "status": Status(presence["status"]),
                    "since": _when(presence["since"])}),
    )  # fmt: skip


def _when(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
