"""May this text go to this customer now? The one answer behind accept, check and submit.

Blocked beats deferred beats allowed, and whatever cannot be established blocks: a text that
should not have gone cannot be taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from .batch import Row
from .consent import Blocked, Customer, lease_owner, may_text, reserved
from .directory import Associate, Pointer, Store
from .errors import BadInputError, ForbiddenError
from .first_text import first_reason, text_reason
from .line_sender import is_named
from .model import Phone, epoch
from .program import Banner, Program, Template
from .text import named_variables, render, segments
from .window import Deferred, Never, check_window, says_where
from .window_rules import place_of_postal_code

if TYPE_CHECKING:
    from .adapters.stores import Stores


@dataclass(frozen=True, slots=True)
class Asker:
    """The associate in whose name something is asked, with the store and banner that follow."""

    pointer: Pointer
    store: Store
    associate: Associate
    banner: Banner

    def day(self, now: datetime) -> str:
        """The store's local date: the day on which texts count."""
        return now.astimezone(ZoneInfo(self.store.zone)).date().isoformat()


@dataclass(frozen=True, slots=True)
class Recipient:
    """A customer as the clienteling app names them: number as typed, the template's variables."""

    phone: str
    variables: tuple[str, ...] = ()
    zone: str | None = None
    postal_code: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`allowed` now, or not: then why, from when on it may be asked again, and by which rule.

    `defers` says that it may go by itself at `until`.
    """

    reason: str | None = None
    until: datetime | None = None
    rule: str | None = None
    defers: bool = False

    @property
    def allowed(self) -> bool:
        return self.reason is None


ALLOWED = Verdict()


def find_asker(login: str, *, program: Program, stores: Stores) -> Asker:
    """Who is behind a login name, over all accounts with associates in them.

    Raises ForbiddenError `unknown_associate` (nobody, or a store no banner of the program has)
    or `associate_disabled` (everywhere: who moved is disabled where they were before). The
    banner follows from the store and is never taken from a payload.
    """
    left = False
    for account in program.human_accounts():
        pointer = stores.by_login(account.id, login=login)
        store = stores.store(pointer.account, group=pointer.group) if pointer else None
        associate = store.find(pointer.agent_id) if store and pointer else None
        banner = program.banner(store.banner) if store else None
        if pointer is None or store is None or associate is None or banner is None:
            continue
        if associate.enabled:
            return Asker(pointer, store, associate, banner)
        left = True
    if left:
        raise ForbiddenError("this associate is disabled", code="associate_disabled")
    raise ForbiddenError("no associate with this login", code="unknown_associate")


def asker_of(pointer: Pointer, *, banner: str, program: Program, stores: Stores) -> Asker | Verdict:
    """The asker of a stored batch as things are now, or why nothing of theirs may be sent."""
    store = stores.store(pointer.account, group=pointer.group)
    associate = store.find(pointer.agent_id) if store else None
    found = program.banner(banner)
    if store is None or associate is None or found is None or store.banner != banner:
        return Verdict("unknown_associate")
    if not associate.enabled:
        return Verdict("associate_disabled")
    return Asker(pointer, store, associate, found)


def find_template(name: str, *, asker: Asker, program: Program) -> Template:
    template = program.template(name, asker.banner)
    if template is None:
        raise BadInputError("no such template for this banner", code="unknown_template")
    return template


def read_rows(
    recipients: Sequence[Recipient], *, banner: Banner, template: Template
) -> tuple[Row, ...]:
    """One row per recipient: pending, or blocked for what its own data shows."""
    seen: set[str] = set()
    return tuple(
        _read_row(n, recipient, banner=banner, template=template, seen=seen)
        for n, recipient in enumerate(recipients)
    )


def _read_row(
    n: int, recipient: Recipient, *, banner: Banner, template: Template, seen: set[str]
) -> Row:
    try:
        phone = Phone.parse(recipient.phone, region=banner.country)
    except BadInputError:
        return Row(n, None).blocked("invalid_number")
    row = Row(n, phone, zone=recipient.zone, postal_code=recipient.postal_code)
    reason = number_reason(phone, banner=banner)
    if reason is not None:
        return row.blocked(reason)
    if phone.e164 in seen:
        return row.blocked("duplicate")
    named = named_variables(recipient.variables)
    wrong = text_reason(template, variables=named, banner=banner)
    if wrong is not None:
        return row.blocked(wrong)
    seen.add(phone.e164)
    count = segments(render(template, named)).count
    return Row(n, phone, variables=recipient.variables, segments=count, zone=recipient.zone,
               postal_code=recipient.postal_code)  # fmt: skip


def number_reason(phone: Phone, *, banner: Banner) -> str | None:
    """Why this number is nobody's handset in the banner's country, or None."""
    import phonenumbers

    if phone.is_toll_free:
        return "toll_free"
    country = phonenumbers.region_code_for_number(phonenumbers.parse(phone.e164))
    return None if country == banner.country else "foreign_number"


def judge(
    row: Row, *, customer: Customer | None, asker: Asker, purpose: str, program: Program,
    now: datetime,
) -> Verdict:  # fmt: skip
    """Everything that can be said without writing: whose number, switches, consent, opt-out, window."""
    if row.phone is None:
        return Verdict("invalid_number")
    if is_named(row.phone, program=program):
        return Verdict("our_number")
    stopped = program.stop_reason(
        banner=asker.banner, store=asker.store.group, login=asker.associate.login
    )
    refusal = stopped or may_text(
        customer, banner=asker.banner.name, purpose=purpose,
        scope=program.consent.opt_out_scope, now=now,
    )  # fmt: skip
    if refusal is not None:
        return Verdict(refusal)
    return _in_window(row, row.phone, customer=customer, asker=asker, now=now)


def is_reserved(
    customer: Customer | None, *, pointer: Pointer, banner: str, batch: str, now: datetime
) -> bool:
    """Is the customer reserved for this batch: its associate's live lease, and counted."""
    lease = customer.lease if customer else None
    if customer is None or lease is None or lease.until <= epoch(now):
        return False
    owner = lease_owner(pointer.account, pointer.agent_id)
    mine = lease.owner == owner and lease.banner == banner
    return mine and any(sent.batch == batch for sent in customer.sent)


def check(
    asker: Asker, *, recipient: Recipient, purpose: str, used: int, program: Program,
    customer_of: Callable[[Phone], Customer | None], now: datetime,
    template: Template | None = None,
) -> Verdict:  # fmt: skip
    """May this customer be texted now, as `accept` would decide it, without writing anything."""
    try:
        phone = Phone.parse(recipient.phone, region=asker.banner.country)
    except BadInputError:
        return Verdict("invalid_number")
    wrong = number_reason(phone, banner=asker.banner)
    if wrong is not None:
        return Verdict(wrong)
    customer = customer_of(phone)
    row = Row(0, phone, zone=recipient.zone, postal_code=recipient.postal_code)
    verdict = judge(row, customer=customer, asker=asker, purpose=purpose, program=program, now=now)
    if not verdict.allowed and not verdict.defers:
        return verdict
    if template is not None and (early := first_reason(
        customer, template=template, banner=asker.banner.name, batch="", now=now
    )):  # fmt: skip
        return Verdict(early)
    outreach = asker.banner.outreach
    answer = reserved(
        customer, banner=asker.banner.name, batch="", purpose=purpose, limits=outreach, now=now,
        owner=lease_owner(asker.pointer.account, asker.pointer.agent_id),
        scope=program.consent.opt_out_scope, due=verdict.until if verdict.defers else None,
    )  # fmt: skip
    if isinstance(answer, Blocked):
        return Verdict(answer.reason, until=answer.until)
    if used >= outreach.per_associate_day:
        return Verdict("daily_limit", until=next_day(asker, day=asker.day(now)))
    return verdict


def _in_window(
    row: Row, phone: Phone, *, customer: Customer | None, asker: Asker, now: datetime
) -> Verdict:
    zone, code, outreach = row.zone, row.postal_code, asker.banner.outreach
    if customer is not None:  # what the asker says that says nothing hides nothing that is known
        zone = zone if says_where(zone) else customer.zone
        code = code if place_of_postal_code(code) else customer.postal_code
    answer = check_window(
        phone=phone, store=asker.store, program_outreach=outreach, zone=zone, postal_code=code,
        country=asker.banner.country, now=now,
    )  # fmt: skip
    if isinstance(answer, Never):
        return Verdict("never", rule=answer.rule)
    if isinstance(answer, Deferred):
        return Verdict("outside_window", until=answer.until, rule=answer.rule,
                       defers=outreach.outside_window == "defer")  # fmt: skip
    return ALLOWED


def next_day(asker: Asker, *, day: str) -> datetime:
    """When the day's limit begins anew: local midnight at the store, as an instant."""
    zone = ZoneInfo(asker.store.zone)
    tomorrow = date.fromisoformat(day) + timedelta(days=1)
    return datetime.combine(tomorrow, time.min, tzinfo=zone)
