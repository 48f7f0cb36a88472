"""The one place where settings and adapters meet, lazily: nothing is built before it is used.

A Lambda process has one `Services`, made from its environment at the first event. The local
stack and the tests put their own in its place for the time of a call (`using`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .settings import Settings, read_settings

if TYPE_CHECKING:
    from ..adapters.backend import Backend
    from ..adapters.batches import Batches
    from ..adapters.consents import Consents
    from ..adapters.conversation_changes import ConversationChanges
    from ..adapters.conversations import Conversations
    from ..adapters.customers import Customers
    from ..adapters.erasures import Erasures
    from ..adapters.files import Files
    from ..adapters.imports import Imports
    from ..adapters.liveperson import LivePerson
    from ..adapters.number_health import NumberHealth
    from ..adapters.pace import Pace
    from ..adapters.presences import Presences
    from ..adapters.programs import Programs
    from ..adapters.queues import Queues
    from ..adapters.secrets import Secrets
    from ..adapters.stores import Stores
    from ..adapters.table import Table
    from ..model import Phone
    from .webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one AWS call may take at the worst: `tries` x (`connect_s` + `read_s`) seconds."""

    connect_s: float
    read_s: float
    tries: int


USUAL = Patience(connect_s=0.5, read_s=1.0, tries=3)
HURRIED = Patience(connect_s=0.3, read_s=0.7, tries=1)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Services:
    """Adapters joined to settings. Every property is built at first use and then kept."""

    # Lambda's role; the local stack tells its functions apart by credentials of its own making.
    credentials: Mapping[str, str] = {}

    def __init__(
        self, settings: Settings, *, now: Callable[[], datetime] = _utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.now = now
        self.sleep = sleep

    def _client(self, name: Any) -> Any:
        import boto3
        from botocore.config import Config

        # LivePerson repeats a webhook by itself and wants its answer within 2.5 s: one quick try.
        hurried = bool(self.settings.assignment_queue_url)
        limits = HURRIED if hurried else USUAL
        config = Config(
            connect_timeout=limits.connect_s, read_timeout=limits.read_s,
            retries={"mode": "standard", "total_max_attempts": limits.tries},
            # Forms and links of S3 hold for its regional host, and for nothing older than SigV4.
            signature_version="s3v4" if name == "s3" else None,
            s3={"addressing_style": "virtual"} if name == "s3" else None,
        )  # fmt: skip
        make: Any = boto3.client  # typed per service, and this takes any
        return make(name, config=config, **self.credentials)

    @cached_property
    def table(self) -> Table:
        from ..adapters.table import Table

        return Table(self._client("dynamodb"), self.settings.table_name)

    @cached_property
    def programs(self) -> Programs:
        from ..adapters.programs import Programs

        return Programs(self.table, now=self.now)

    @cached_property
    def customers(self) -> Customers:
        from ..adapters.customers import Customers

        return Customers(self.table, key=self.secrets.text(self.settings.customer_key_secret))

    @cached_property
    def conversations(self) -> Conversations:
        from ..adapters.conversations import Conversations

        return Conversations(self.table)

    @cached_property
    def conversation_changes(self) -> ConversationChanges:
        from ..adapters.conversation_changes import ConversationChanges

        return ConversationChanges(self.table)

    @cached_property
    def webhooks(self) -> Webhooks:
        from .webhooks import Webhooks

        return Webhooks(self.secrets, prefix=self.settings.secret_prefix,
                        relay_secret=self.settings.relay_secret, now=self.now)  # fmt: skip

    @cached_property
    def stores(self) -> Stores:
        from ..adapters.stores import Stores

        return Stores(self.table, now=self.now)

    @cached_property
    def batches(self) -> Batches:
        from ..adapters.batches import Batches

        return Batches(self.table, id_of=self._id_of)

    def _id_of(self, phone: Phone) -> str:
        # Read late: a batch can be looked at without the key of the numbers.
        return self.customers.id_of(phone)

    @cached_property
    def numbers(self) -> NumberHealth:
        from ..adapters.number_health import NumberHealth

        return NumberHealth(self.table)

    @cached_property
    def consents(self) -> Consents:
        from ..adapters.consents import Consents

        return Consents(self.table)

    @cached_property
    def erasures(self) -> Erasures:
        from ..adapters.erasures import Erasures

        return Erasures(self.table)

    @cached_property
    def pace(self) -> Pace:
        from ..adapters.pace import Pace

        return Pace(self.table, now=self.now, sleep=self.sleep)

    @cached_property
    def secrets(self) -> Secrets:
        from ..adapters.secrets import Secrets

        return Secrets(self._client("secretsmanager"), prefix=self.settings.secret_prefix,
                       now=self.now)  # fmt: skip

    @cached_property
    def queues(self) -> Queues:
        from ..adapters.queues import Queues

        return Queues(self._client("sqs"), outreach=self.settings.outreach_queue_url,
                      assignment=self.settings.assignment_queue_url,
                      imports=self.settings.import_queue_url)  # fmt: skip

    @cached_property
    def files(self) -> Files:
        from ..adapters.files import Files

        return Files(self._client("s3"), bucket=self.settings.roster_bucket)

    @cached_property
    def import_files(self) -> Files:
        from ..adapters.files import Files

        return Files(self._client("s3"), bucket=self.settings.import_bucket)

    @cached_property
    def imports(self) -> Imports:
        from ..adapters.imports import Imports

        return Imports(self.table)

    @cached_property
    def liveperson(self) -> LivePerson:
        from ..adapters.liveperson import LivePerson

        return LivePerson(
            secrets=self.secrets, domain_api=self.settings.liveperson_domain_api,
            gateway=self.settings.liveperson_gateway, now=self.now, sleep=self.sleep,
        )  # fmt: skip

    @cached_property
    def presences(self) -> Presences:
        from ..adapters.presences import Presences

        return Presences(self.liveperson)

    @cached_property
    def backend(self) -> Backend:
        from ..adapters.backend import Backend

        return Backend(secrets=self.secrets)


_process: Services | None = None
_in_place: ContextVar[Services | None] = ContextVar("services", default=None)


def services() -> Services:
    """The services of this process, or those put in place by `using`."""
    global _process
    in_place = _in_place.get()
    if in_place is not None:
        return in_place
    if _process is None:
        _process = Services(read_settings())
    return _process


@contextmanager
def using(other: Services) -> Iterator[Services]:
    """Run handlers with these services: how tests and the local stack inject time and vendors."""
    token = _in_place.set(other)
    try:
        yield other
    finally:
        _in_place.reset(token)
