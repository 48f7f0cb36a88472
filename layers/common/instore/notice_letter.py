"""What the notice to a waiting customer says, and whether it may go at this instant.

Consent, opt-out, stop switches and texting hours, by what is stored now (I1, I2, I9). By which
channel it goes makes no difference here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .assignment_state import NoticeState
from .consent import may_text
from .first_text import notice_variables
from .model import Phone, Stickiness, epoch
from .text import named_variables, render
from .window import Deferred, Never, check_window

if TYPE_CHECKING:
    from .consent import Customer
    from .directory import Store
    from .notify import Means
    from .program import Banner, Program, Template

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything about one text but the decision to send it."""

    banner: Banner
    template: Template
    store: Store
    customer: Customer
    phone: Phone
    variables: tuple[str, ...]

    @property
    def body(self) -> str:
        """The finished text: LivePerson puts it together itself, the SMS line is given it whole.

        What a first text has to say was checked on it when the program was applied (first_text.py).
        """
        return render(self.template, named_variables(self.variables))


@dataclass(frozen=True, slots=True)
class NotNow:
    """Why no text goes at this instant: never (skipped), or not before `until` (epoch seconds)."""

    state: NoticeState
    reason: str
    until: int | None = None


def weigh(item: Item, customer: Customer | None, *, means: Means, now: datetime) -> Letter | NotNow:
    """The text, if it may go at this instant."""
    store = means.stores.store(item["notice"]["account"], group=item["notice"]["group"])
    letter = _letter(item, customer, store, program=means.program, now=now)
    if isinstance(letter, str):
        return NotNow(NoticeState.SKIPPED, letter)
    allowed = check_window(
        phone=letter.phone, store=letter.store, program_outreach=letter.banner.outreach, now=now,
        zone=letter.customer.zone, postal_code=letter.customer.postal_code,
        country=letter.banner.country,
    )  # fmt: skip
    if isinstance(allowed, Never):
        return NotNow(NoticeState.SKIPPED, allowed.rule)
    if isinstance(allowed, Deferred):
        return NotNow(NoticeState.DEFERRED, allowed.rule, epoch(allowed.until))
    return letter


def phone_of(item: Item, customer: Customer | None) -> Phone | None:
    """The number to text, by the customer's own item or the conversation's."""
    if customer is not None and customer.phone is not None:
        return customer.phone
    return Phone(item["phone"]) if item.get("phone") else None


def is_with_a_stranger(item: Item, banner: Banner) -> bool:
    """Whether LivePerson gave it to another agent than the one a strict program allows: what the
    customer writes next is not for them."""
    return banner.routing.stickiness is Stickiness.STRICT and bool(item.get("misrouted"))


def _letter(
    item: Item, customer: Customer | None, store: Store | None, *, program: Program, now: datetime
) -> Letter | str:
    """The text to send, or the reason code why none is."""
    banner = program.banner(item["banner"])
    template = program.template(program.notification.template or "", banner) if banner else None
    if banner is None or template is None or program.notification.when == "never":
        return "switched_off"
    if item.get("channel") == "sms":
        return "same_thread"
    phone = phone_of(item, customer)
    if phone is None:
        return "no_number"
    agent = store.find(item["notice"]["agent"]) if store else None
    if store is None or agent is None:
        return "agent_unknown"
    stopped = program.stop_reason(banner=banner, store=store.group, login=agent.login,
                                  feature="notification")  # fmt: skip
    scope = program.consent.opt_out_scope
    refused = stopped or may_text(customer, banner=banner.name, purpose="one_to_one", scope=scope,
                                  now=now)  # fmt: skip
    if customer is None or refused:
        return refused or "no_consent"
    variables = notice_variables(template, nickname=agent.nickname, banner=banner,
                                 link=program.notification.link)  # fmt: skip
    if variables is None:
        return "template_asks_more"
    return Letter(banner, template, store, customer, phone, variables)
