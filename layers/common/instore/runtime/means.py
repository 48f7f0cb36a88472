"""What the flows work with, from the services of this process.

Each flow is imported where it is asked for: a function loads none that it does not run.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from .services import Services

if TYPE_CHECKING:
    from collections.abc import Callable

    from .. import (
        deflecting,
        erasing,
        kpi_asking,
        line_conversation,
        notify,
        requesting,
        statuses,
        texting,
    )
    from ..assignment import ConversationChange
    from ..kpi_conversations import Counting
    from ..notice_line import LineMeans
    from ..outreach_accept import Desk
    from ..relay_means import Means as RelayMeans


def desk_of(house: Services) -> Desk:
    """What accepting works with: the program as it is now."""
    from ..outreach_accept import Desk

    program = house.programs.current()
    return Desk(program, house.programs.version, house.batches, house.customers, house.queues)


def notice_means(house: Services) -> notify.Means:
    """Made anew for each conversation: a switch thrown meanwhile is in its program."""
    from ..notify import Means

    has_line = house.programs.current().line is not None
    return Means(
        program=house.programs.current(), current=house.programs.current,
        changes=house.conversation_changes, stores=house.stores, customers=house.customers,
        numbers=house.numbers, pace=house.pace, liveperson=house.liveperson, now=house.now,
        pass_on=_pass_on(house) if has_line else None, counting=_counting(house),
        line=_notices_by_line(house) if has_line else None,
    )  # fmt: skip


def _notices_by_line(house: Services) -> LineMeans:
    """Notices that go by the SMS line."""
    from .. import texting
    from ..notice_line import LineMeans
    from .observability import count

    means = texting_means(house, count=count)
    return LineMeans(house.lines, house.texts, partial(texting.send, means=means),
                     partial(texting.call_off, means=means))  # fmt: skip


def _counting(house: Services) -> Counting:
    """Facts of conversations are told."""
    from ..kpi_conversations import Counting

    return Counting(house.facts, house.batches, house.customers, house.stores,
                    house.conversation_changes)  # fmt: skip


def _pass_on(house: Services) -> Callable[[ConversationChange], str]:
    """Words of the SMS line are texted to the customer."""
    from .. import line_answers, texting
    from .observability import count

    sending = texting_means(house, count=count)
    means = line_answers.Means(house.threads, house.lines, house.stores,
                               partial(texting.send, means=sending))  # fmt: skip
    return lambda change: line_answers.pass_on(change, means=means)


def texting_means(
    house: Services, *, count: Callable[[str], None], public_url: str = ""
) -> texting.Means:  # fmt: skip
    """What sending a text works with. `count` adds one to a metric. `public_url`: where Twilio calls
    us, for a function with routes of its own, which is not told it (`twilio_webhooks.public_url`)."""
    from ..texting import Means

    return Means(
        current=house.programs.current, texts=house.texts, customers=house.customers,
        stores=house.stores, twilio=house.twilio, now=house.now, count=count,
        public_url=(public_url or house.settings.public_url).rstrip("/"),
    )  # fmt: skip


def inbound_means(
    house: Services, *, count: Callable[[str], None]
) -> line_conversation.Means:  # fmt: skip
    """What taking a customer's text works with, made anew for each."""
    from .. import texting
    from ..line_conversation import Means

    sending = texting_means(house, count=count)
    return Means(
        program=house.programs.current(), lines=house.lines, threads=house.threads,
        unclaimed=house.unclaimed, customers=house.customers, stores=house.stores, liveperson=house.liveperson,
        send=partial(texting.send, means=sending), sleep=house.sleep,
    )  # fmt: skip


def status_means(house: Services, *, count: Callable[[str], None]) -> statuses.Means:
    """What taking Twilio's statuses works with."""
    from ..statuses import Means

    return Means(house.programs.current, house.texts, house.customers, count)


def relay_means(
    house: Services, *, remaining: Callable[[], float], token: Callable[[], str]
) -> RelayMeans:
    """What relay numbers are worked on with: the program as it is now."""
    from ..relay_means import Means

    return Means(
        lines=house.lines, twilio=house.twilio, stores=house.stores, customers=house.customers,
        program=house.programs.current(), public_url=house.settings.public_url.rstrip("/"),
        now=house.now, token=token, remaining=remaining,
    )  # fmt: skip


def deflecting_means(
    house: Services, *, count: Callable[[str], None], public_url: str = "", hurry: bool = False
) -> deflecting.Means:  # fmt: skip
    """What turning calls into texts works with. `hurry`: a caller listens, so Twilio has to take the
    text in a moment, or it is looked for later."""
    from .. import texting
    from ..deflecting import Means

    sending = texting_means(house, count=count, public_url=public_url)
    if hurry:
        sending = replace(sending, twilio=house.hasty_twilio)
    return Means(
        program=house.programs.at_hand(), calls=house.calls, customers=house.customers,
        stores=house.stores, push=house.push,
        send=partial(texting.send, means=sending),
    )  # fmt: skip


def request_means(
    house: Services, *, count: Callable[[str], None], public_url: str = ""
) -> requesting.Means:
    """What service requests are worked on with."""
    from .. import texting
    from ..requesting import Means

    sending = texting_means(house, count=count, public_url=public_url)
    return Means(
        current=house.programs.current, requests=house.requests, customers=house.customers,
        stores=house.stores, lines=house.lines, texts=house.texts, facts=house.facts,
        mail=house.mail, files=house.media, count=count,
        send=partial(texting.send, means=sending),
    )  # fmt: skip


def kpi_means(house: Services) -> kpi_asking.Means:
    """What asking for figures and summing them work with."""
    from ..kpi_asking import Means

    return Means(house.programs.current(), house.facts, house.calls, house.stores, house.now)


def erasing_means(house: Services) -> erasing.Means:
    """What export and erase work with."""
    from ..erasing import Means

    others: dict[str, erasing.Records] = {
        "texts": house.texts, "threads": house.threads, "unclaimed": house.unclaimed,
        "requests": house.requests,
        "calls": house.calls,
    }  # fmt: skip
    return Means(house.customers, house.batches, house.erasures, others)
