"""Buy one number for one associate: noted before, found again after, set up, kept.

Twilio's purchase has no idempotency key. So each is noted on the activation's revision before it is
made and carries the wish's tag as FriendlyName. What was bought and never heard of is found by the
tag; what is not found after a minute was never bought. Should a number be bought twice all the
same, one is kept and the others are given back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from .carrier_codes import Effect
from .errors import TwilioRefusedError, VendorError
from .relay_means import AGAIN, SPARE_S, Means, User
from .relay_report import Report, done, pending, refused
from .relay_search import Ring, rings
from .relay_state import BUY_WITHIN, Activation, LineState

if TYPE_CHECKING:
    from .carrier import Candidate, Owned
    from .program_line import Line

CANDIDATES = 10  # asked for at once
MOST_PURCHASES = 15  # tried in one go; then others may have their turn
SERVICE_FULL = 21714
# What a refused purchase says about that number only.
NEXT_ONE = frozenset({Effect.NOT_FOR_SALE, Effect.NONE})


def go_on(activation: Activation, *, user: User, means: Means) -> Report | None:
    """From wherever an earlier attempt ended. None: somebody else got further meanwhile."""
    if activation.tried_at is not None:
        owned = means.twilio.owned(user.line, tag=activation.tag)
        if activation.is_unclear(means.now(), shown=[one.number for one in owned]):
            return pending("bought_elsewhere", activation.tried_at + AGAIN)
        fit = _fit(owned, line=user.line, means=means)
        if fit:
            return _settle(activation, fit, user=user, means=means, why="adopted")
    return _buy(activation, user=user, means=means)


def _fit(owned: list[Owned], *, line: Line, means: Means) -> list[Owned]:
    """Those that can text. What cannot is no use to anybody, and goes back at once."""
    for one in owned:
        if not one.can_text:
            means.twilio.release(line, sid=one.sid)
    return [one for one in owned if one.can_text]


def _buy(activation: Activation, *, user: User, means: Means) -> Report | None:
    """Buy the nearest number that can be had. Nothing bought under this tag is outstanding."""
    held, tried_before = activation, activation.tried_at is not None
    for count, (ring, candidate) in enumerate(for_sale(user, means=means)):
        if count == MOST_PURCHASES:
            return pending("sold_meanwhile", means.now() + AGAIN)
        if means.remaining() < SPARE_S:
            return pending("no_time", means.now())
        noted = means.lines.save(held.buying(candidate.number, now=means.now()))
        if noted is None:
            return None
        held, begun = noted, noted.tried_at
        if begun is None or means.now() > begun + BUY_WITHIN:
            return pending("unclear", means.now() + AGAIN)
        bought = _purchase(held, candidate, line=user.line, means=means)
        if isinstance(bought, Report):
            return bought
        fit = bought and _ours(held, bought, user=user, means=means, tried_before=tried_before)
        if fit:
            report = _settle(held, fit, user=user, means=means, near=ring.name)
            if report is None:
                _leave(held, fit, line=user.line, means=means)
            return report
    ended = means.lines.give_back(held.to(LineState.RELEASED, now=means.now()), line=user.line)
    return None if ended is None else refused("no_number")


def _leave(held: Activation, bought: list[Owned], *, line: Line, means: Means) -> None:
    """Overtaken after a purchase, by a pause of more than a minute: what was bought goes back,
    unless it is theirs, or whoever is at it now will find it under the same tag."""
    found = means.lines.activation(held.pointer.account, agent_id=held.pointer.agent_id)
    if found is not None and found.tag == held.tag and found.is_wish:
        return
    for one in bought:
        if found is None or found.sid != one.sid:
            means.twilio.release(line, sid=one.sid)


def _purchase(
    held: Activation, candidate: Candidate, *, line: Line, means: Means
) -> Owned | Report | None:
    """One purchase. None: this number is not to be had. A report: nobody knows whether it is ours."""
    try:
        return means.twilio.buy(line, number=candidate.number, tag=held.tag,
                                sms_url=means.sms_url, voice_url=means.voice_url)  # fmt: skip
    except TwilioRefusedError as error:
        if error.effect in NEXT_ONE:
            return None
        raise
    except VendorError as error:
        if error.processed is None:
            return pending("unclear", means.now() + AGAIN)
        raise


def _ours(
    held: Activation, bought: Owned, *, user: User, means: Means, tried_before: bool
) -> list[Owned]:  # fmt: skip
    """What there is to keep after a purchase: one that was held for lost before it may have come
    true all the same, and shows by now."""
    shown = means.twilio.owned(user.line, tag=held.tag) if tried_before else []
    others = (one for one in shown if one.sid != bought.sid)
    return _fit([bought, *others], line=user.line, means=means)


def for_sale(user: User, *, means: Means) -> Iterator[tuple[Ring, Candidate]]:
    """Numbers one could buy now, nearest first, each once; none that is or was ours: customers of
    its former holder would reach a stranger."""
    seen: set[str] = set()
    for ring in rings(user.store, country=user.banner.country):
        try:
            offered = means.twilio.search(
                user.line, country=user.banner.country, limit=CANDIDATES, **ring.narrowed
            )
        except TwilioRefusedError as error:
            if error.effect not in NEXT_ONE:
                raise
            continue  # this way of looking is not offered there; the next ring is
        fresh = [one for one in offered
                 if not one.number.is_toll_free and one.number.e164 not in seen]  # fmt: skip
        seen |= {one.number.e164 for one in fresh}
        ours = means.lines.known(one.number for one in fresh)
        yield from ((ring, one) for one in fresh if one.number not in ours)


def _settle(
    activation: Activation, owned: list[Owned], *, user: User, means: Means,
    why: str | None = None, near: str | None = None,
) -> Report | None:  # fmt: skip
    """The purchase is there: set it up and make it theirs. Nothing is given back before that is
    written: somebody else may be at it and keep another one."""
    kept = min(owned, key=lambda one: (one.number != activation.candidate, one.sid))
    ready = set_up(activation, kept, user.line, means)
    if ready is None:
        return None
    surplus = tuple(sorted(one.sid for one in owned if one.sid != kept.sid))
    active = means.lines.save(
        ready.bought(kept.number, sid=kept.sid, surplus=surplus, now=means.now())
    )
    if active is None:
        return None
    give_back_surplus(active, line=user.line, means=means)
    return done(active, why, near=near)


def set_up(activation: Activation, owned: Owned, line: Line, means: Means) -> Activation | None:
    """Our addresses on the number, and the number in its messaging service. None: overtaken."""
    wanted = (activation.tag, means.sms_url, means.voice_url)
    if (owned.friendly_name, owned.sms_url, owned.voice_url) != wanted:
        means.twilio.configure(line, sid=owned.sid, tag=activation.tag, sms_url=means.sms_url,
                               voice_url=means.voice_url)  # fmt: skip
    services, full = line.pool.messaging_services, None
    while activation.service is not None:
        if activation.service in services:
            try:
                means.twilio.add_to_service(line, service=activation.service, sid=owned.sid)
                return activation
            except TwilioRefusedError as error:
                if error.code != SERVICE_FULL:
                    raise
                full = error
        moved = means.lines.move(activation, line=line)
        if not isinstance(moved, Activation):
            if moved.name == "OVERTAKEN":
                return None
            raise full or TwilioRefusedError(code=SERVICE_FULL, effect=Effect.STOP_BATCH)
        activation = moved
    return activation


def give_back_surplus(active: Activation, *, line: Line, means: Means) -> Report | None:
    """Release what was bought beside the number that is kept. None: there was nothing."""
    if not active.surplus:
        return None
    for sid in active.surplus:
        means.twilio.release(line, sid=sid)
    means.lines.save(replace(active, surplus=()))
    return done(active)
