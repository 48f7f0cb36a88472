"""Who takes the conversation: a pure decision over what is known, with its reasons.

`decide` reads no clock, no table and no vendor. Everything it looks at is in the `Case`, and the
case is kept in the receipt, so that every answer can be given again years later (receipts.py).

Two promises live here. A strict program never yields another person's agent id, whatever the
evidence. A disabled or vanished agent is never chosen. Evidence we do not have is never "online"
and never a reason to close a store down: it only means that nobody is known to be free.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from .model import Channel, Stickiness
from .presence import Presence, Status
from .routing_case import Act, Case, Choice, Decision, Person, Trace, Wanted, all_busy


def closes_store(case: Case) -> bool:
    """Whether the closed-store trigger decides, so that nobody's presence need be asked."""
    return (
        case.rules.closed
        and case.rules.stickiness is not Stickiness.STRICT
        and case.store_open is False
        and not case.waits
    )


def decide(case: Case) -> Decision:
    """Say who takes the conversation. Pure: the same case, the same decision."""
    looked = [Trace("resolve", False, said) for said in case.trail]
    for look in (_deflected, _ask, _trigger, _offer, _walk):
        decision = look(case, looked)
        if decision is not None:
            return decision
    looked.append(Trace("skill", True, "no step was left"))
    return _to_skill(case, looked, outcome="skill")


def follows_call(case: Case) -> bool:
    """Whether the branch of the call decides, so that nobody's presence need be asked. A strict
    program keeps who has an associate of their own with them, whatever number they called."""
    strict = case.rules.stickiness is Stickiness.STRICT
    return case.called is not None and not (strict and case.wanted is Wanted.KNOWN)


def _deflected(case: Case, looked: list[Trace]) -> Decision | None:
    called = case.called
    if called is None:
        return None
    told = f"called branch {called.name} ({called.intent}) and took a text instead"
    if not follows_call(case):
        looked.append(
            Trace("deflected", False, f"{told}; strict: their own associate stays theirs")
        )
        return None
    looked.append(Trace("deflected", True, told))
    message = "deflected_closed" if case.store_open is False else "deflected"
    return Decision(Act.TRANSFER, "deflected", message, called.skill, trace=tuple(looked))


def _ask(case: Case, looked: list[Trace]) -> Decision | None:
    if case.wanted is not Wanted.UNKNOWN or not case.rules.keyword:
        return None
    if case.asked >= case.rules.tries:
        looked.append(Trace("ask", False, "asked often enough"))
        return None
    looked.append(Trace("ask", True, "nobody known is wanted yet"))
    return Decision(
        Act.ASK, "ask", "ask_again" if case.asked else "ask_keyword", trace=tuple(looked)
    )


def _trigger(case: Case, looked: list[Trace]) -> Decision | None:
    if case.rules.stickiness is Stickiness.STRICT:
        looked.append(Trace("triggers", False, "strict programs have none"))
        return None
    if case.store_open is None or case.waits:
        return None
    for name, message, fires in (
        ("closed", "closed", closes_store),
        ("all_offline", "virtual", _all_offline_long),
        ("all_busy", "virtual", _all_busy_long),
    ):
        if fires(case):
            looked.append(Trace(name, True, "this reason of the program holds for the whole store"))
            skill = case.rules.virtual_skill or case.rules.last_skill
            return Decision(Act.TRANSFER, name, message, skill, trace=tuple(looked))
    return None


def _all_offline_long(case: Case) -> bool:
    minutes = case.rules.all_offline_minutes
    enabled = [person.presence for person in case.people if person.enabled]
    if minutes is None or not case.answered or not enabled:
        return False
    earliest = case.at - timedelta(minutes=minutes)
    # LivePerson looks back a day: who it does not mention, or cannot date, is away for longer.
    return all(
        presence.status is Status.OFFLINE
        and (not presence.seen or presence.since is None or presence.since <= earliest)
        for presence in enabled
    )


def _all_busy_long(case: Case) -> bool:
    minutes = case.rules.all_busy_minutes
    if minutes is None or case.busy_since is None or not case.answered:
        return False
    return all_busy(case.people) and case.at - case.busy_since >= timedelta(minutes=minutes)


def _offer(case: Case, looked: list[Trace]) -> Decision | None:
    person = case.wanted_person()
    if case.rules.stickiness is not Stickiness.OFFER_CHOICE or person is None:
        return None
    if case.choice is not Choice.NOT_OFFERED or person.presence.can_take:
        return None
    looked.append(Trace("choice", True, "the wanted associate cannot take it; the customer says"))
    return Decision(Act.CHOICE, "choice", "choice", trace=tuple(looked))


def _walk(case: Case, looked: list[Trace]) -> Decision | None:
    for step in case.rules.steps:
        decision = _STEPS[step](case, looked)
        if decision is not None:
            return decision
    return None


def _associate(case: Case, looked: list[Trace]) -> Decision | None:
    person = case.wanted_person()
    if person is None:
        why = "nobody is wanted" if case.wanted is Wanted.UNKNOWN else "has left"
    elif case.choice is Choice.NEXT:
        why = "the customer chose the next person"
    elif person.presence.can_take:
        looked.append(Trace("associate", True, "online with a free slot"))
        return _to_agent(case, looked, person.agent_id, "associate", "connecting")
    else:
        why = _unfit(person.presence)
    looked.append(Trace("associate", False, why))
    return None


def _peer(case: Case, looked: list[Trace]) -> Decision | None:
    return _stand_in(case, looked, step="least_loaded_peer", message="peer", manager=False)


def _manager(case: Case, looked: list[Trace]) -> Decision | None:
    return _stand_in(case, looked, step="manager", message="manager", manager=True)


def _stand_in(
    case: Case, looked: list[Trace], *, step: str, message: str, manager: bool
) -> Decision | None:
    if case.rules.stickiness is Stickiness.STRICT:
        looked.append(Trace(step, False, "strict: never another agent"))
        return None
    if case.waits:
        looked.append(Trace(step, False, "the customer waits for the wanted associate"))
        return None
    free = [
        person
        for person in case.people
        if person.enabled and person.manager is manager and person.presence.can_take
        and person.agent_id != case.wanted_id
    ]  # fmt: skip
    if not free:
        why = "nobody is free" if case.answered else "no information about anybody"
        looked.append(Trace(step, False, why))
        return None
    best = min(free, key=_readiness)
    looked.append(Trace(step, True, f"lowest load of {len(free)} who are free"))
    return _to_agent(case, looked, best.agent_id, step, message)


def _readiness(person: Person) -> tuple[float, int, float, str]:
    """Lowest load, then most free slots, then longest in that state, then agent id."""
    presence = person.presence
    return (
        presence.load if presence.load is not None else float("inf"),
        -(presence.free_slots or 0),
        presence.since.timestamp() if presence.since is not None else float("inf"),
        person.agent_id,
    )


def _wait(case: Case, looked: list[Trace]) -> Decision | None:
    person = case.wanted_person()
    if person is None or case.choice is Choice.NEXT:
        why = "the customer chose the next person" if person else "nobody to wait for"
        looked.append(Trace("wait_for_associate", False, why))
        return None
    looked.append(Trace("wait_for_associate", True, "into the wanted associate's own queue"))
    texted = case.channel is Channel.WEB and case.notified
    return _to_agent(case, looked, person.agent_id, "wait_for_associate",
                     "waiting" if texted else "waiting_sms", waiting=True)  # fmt: skip


def _skill(case: Case, looked: list[Trace]) -> Decision:
    looked.append(Trace("skill", True, "the last step"))
    return _to_skill(case, looked, outcome="skill")


_STEPS: dict[str, Callable[[Case, list[Trace]], Decision | None]] = {
    "associate": _associate,
    "least_loaded_peer": _peer,
    "manager": _manager,
    "wait_for_associate": _wait,
    "skill": _skill,
}


def _unfit(presence: Presence) -> str:
    if presence.status is Status.UNKNOWN:
        return "no information, which is never online"
    if presence.status is Status.ONLINE:
        return "online without a free slot"
    return "not mentioned by LivePerson" if not presence.seen else presence.status.value.lower()


def _to_agent(
    case: Case, looked: list[Trace], agent_id: str, outcome: str, message: str,
    *, waiting: bool = False,
) -> Decision:  # fmt: skip
    return Decision(Act.TRANSFER, outcome, message, case.rules.human_skill, agent_id, waiting,
                    tuple(looked))  # fmt: skip


def _to_skill(case: Case, looked: list[Trace], *, outcome: str) -> Decision:
    return Decision(Act.TRANSFER, outcome, "skill", case.rules.last_skill, trace=tuple(looked))
