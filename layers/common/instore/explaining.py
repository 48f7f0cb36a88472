"""Why a conversation was routed as it was: its receipt and what became of it, in plain sentences.

Pure: a stored conversation in, an explanation out. Nothing of the customer's is looked at but what
the receipt holds, and it holds no name, number or word of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .assignment_state import notice_state
from .model import Stickiness, from_epoch, from_iso
from .reasons import notice_sentence
from .receipts import readable, replays, stored_case, stored_decision
from .routing_case import Act, Case, Decision, Person, Trace

# What each step of the trace looks at. `resolve` says so itself: "binding: found".
_LOOKS: Mapping[str, str] = {
    "deflected": "Whether the customer had called, and took a text instead",
    "ask": "Whether the customer can be asked for a name or code",
    "triggers": "Whether a reason of the whole store decides at once",
    "closed": "Whether the store is open",
    "all_offline": "Whether everybody of the store has been offline for too long",
    "all_busy": "Whether everybody of the store has been busy for too long",
    "choice": "Whether the customer is offered to wait or to go on",
    "associate": "Whether the wanted associate can take it",
    "least_loaded_peer": "Whether another associate of the store can take it",
    "manager": "Whether a manager of the store can take it",
    "wait_for_associate": "Whether it can wait in the wanted associate's own queue",
    "skill": "Which skill takes it when no person does",
}
_RESOLVERS: Mapping[str, str] = {
    "binding": "Whose customer this is, by an earlier conversation or text",
    "token": "Whom the signed-in customer's attributes name",
    "backend": "Whom the brand's own system names",
    "keyword": "Whom the customer's words name",
    "choice": "Whom the customer was offered to wait for",
    "LivePerson": "Whether the wanted associate still exists in LivePerson",
}
_OUTCOMES: Mapping[str, str] = {
    "deflected": "Handed to the skill of the branch that the customer had called",
    "ask": "Asked the customer whom they want to reach",
    "choice": "Offered the customer to wait or to go on to the next person",
    "associate": "Handed to the wanted associate",
    "least_loaded_peer": "Handed to another associate of the store",
    "manager": "Handed to a manager of the store",
    "wait_for_associate": "Left waiting in the wanted associate's own queue",
    "skill": "Handed to a skill, because no step found a person",
    "closed": "Handed to the virtual associates, because the store was closed",
    "all_offline": "Handed to the virtual associates, because everybody was offline",
    "all_busy": "Handed to the virtual associates, because everybody was busy",
}
_NEWEST: Mapping[str, str] = {
    "opted_out": "The newest message was a STOP; it was recorded and the conversation ended.",
    "opted_in": "The newest message was a START; it was recorded.",
    "switched_off": "Routing was switched off for this banner; its last skill took the conversation.",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at, what was found, and why it went on (or ended) there."""

    step: str
    looked_at: str
    found: str
    then: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody of the store at that moment. Ages in seconds before the decision."""

    agent_id: str
    role: str
    enabled: bool
    status: str
    mentioned: bool  # by LivePerson's answer
    could_take: bool
    wanted: bool
    chosen: bool
    load: float | None
    free_slots: int | None
    in_status_s: int | None
    presence_age_s: int | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """The wait and its one text: is somebody waiting, since when, and where the text stands."""

    waiting: bool
    since: datetime | None
    waits: int
    notice: str | None = None
    notice_why: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole answer. Without a receipt (nothing was decided yet) `decision` is None."""

    why: str
    state: str
    newest: str | None
    case: Case | None
    decision: Decision | None
    steps: tuple[Step, ...]
    candidates: tuple[Candidate, ...]
    waiting: Waiting
    misrouted: str | None
    replays: bool | None


def explain(item: Mapping[str, Any]) -> Explanation:
    """A stored conversation explained. Raises ValueError for a receipt this code cannot read."""
    with readable():
        return _explain(item)


def _explain(item: Mapping[str, Any]) -> Explanation:
    receipt, outcome = item.get("receipt"), item.get("outcome")
    case = stored_case(receipt) if receipt else None
    decision = stored_decision(receipt) if receipt else None
    newest = _NEWEST.get(outcome or "")
    why = newest or "Nothing has been decided yet: the customer has not written."
    if decision is not None:
        why = _summary(decision)
    return Explanation(
        why=why, state=item["state"], newest=newest if decision else None, case=case,
        decision=decision,
        steps=tuple(_step(trace) for trace in decision.trace) if decision else (),
        candidates=_candidates(case, decision) if case and decision else (),
        waiting=_waiting(item), misrouted=_misroute(item),
        replays=replays(receipt) if receipt else None,
    )  # fmt: skip


def _summary(decision: Decision) -> str:
    told = _OUTCOMES.get(decision.outcome, f"Decided by `{decision.outcome}`")
    last = decision.trace[-1].why if decision.trace else ""
    whom = f"agent {decision.agent_id}" if decision.agent_id else f"skill {decision.skill}"
    if decision.act is not Act.TRANSFER:
        return f"{told}: {last}."
    return f"{told} ({whom}): {last}."


def _step(trace: Trace) -> Step:
    looked, found = _LOOKS.get(trace.step, f"Step `{trace.step}`"), trace.why
    if trace.step == "resolve":
        resolver, _, found = trace.why.partition(": ")
        looked = _RESOLVERS.get(resolver, f"What `{resolver}` says")
        decided = found in ("found", "on offer")
        then = "This is the wanted associate." if decided else "The next one was asked."
        if resolver == "LivePerson":
            then = "So it was decided anew without them."
        return Step(f"resolve {resolver}", f"{looked}.", _capital(found), then)
    return Step(trace.step, f"{looked}.", _capital(found),
                "This decided." if trace.taken else "So the next step was looked at.")  # fmt: skip


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}.".replace("_", " ")


def _candidates(case: Case, decision: Decision) -> tuple[Candidate, ...]:
    return tuple(_candidate(person, case, decision) for person in case.people)


def _candidate(person: Person, case: Case, decision: Decision) -> Candidate:
    presence = person.presence
    return Candidate(
        agent_id=person.agent_id, role="manager" if person.manager else "associate",
        enabled=person.enabled, status=presence.status.value, mentioned=presence.seen,
        could_take=person.enabled and presence.can_take,
        wanted=person.agent_id == case.wanted_id, chosen=person.agent_id == decision.agent_id,
        load=presence.load, free_slots=presence.free_slots,
        in_status_s=_seconds(presence.since, case.at),
        presence_age_s=_seconds(case.evidence_at, case.at),
    )  # fmt: skip


def _seconds(since: datetime | None, at: datetime) -> int | None:
    return None if since is None else int((at - since).total_seconds())


def _waiting(item: Mapping[str, Any]) -> Waiting:
    state, notice = notice_state(item), item.get("notice") or {}
    since, until = item.get("waiting_since"), notice.get("until")
    why = None
    if state is not None:
        opens = from_epoch(until) if until is not None else None
        why = notice_sentence(state.value, notice.get("reason"), until=opens)
    return Waiting(
        waiting=bool(item.get("waiting")), since=from_iso(since) if since else None,
        waits=item.get("wait", 0), notice=state.value if state else None, notice_why=why,
    )  # fmt: skip


def _misroute(item: Mapping[str, Any]) -> str | None:
    if not item.get("misrouted"):
        return None
    return (f"LivePerson gave it to agent {item.get('agent_id', 'unknown')} although agent "
            f"{item.get('target', 'unknown')} was asked for.")  # fmt: skip


def rules_in_words(case: Case) -> dict[str, Any]:
    """The program's rules of that moment, by the names the program document gives them."""
    rules = case.rules
    strict = rules.stickiness is Stickiness.STRICT
    return {
        "stickiness": rules.stickiness.value, "steps": list(rules.steps),
        "closed": rules.closed and not strict,
        "all_offline_minutes": None if strict else rules.all_offline_minutes,
        "all_busy_minutes": None if strict else rules.all_busy_minutes,
        "may_ask": rules.keyword, "keyword_tries": rules.tries,
        "human_skill": rules.human_skill, "virtual_skill": rules.virtual_skill,
        "last_skill": rules.last_skill,
    }  # fmt: skip
