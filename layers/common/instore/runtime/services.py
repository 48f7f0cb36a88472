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
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .settings import Settings, read_settings

if TYPE_CHECKING:
    from ..adapters.backend import Backend
    from ..adapters.batches import Batches
    from ..adapters.calls import Calls
    from ..adapters.consents import Consents
    from ..adapters.conversation_changes import ConversationChanges
    from ..adapters.conversations import Conversations
    from ..adapters.customers import Customers
    from ..adapters.erasures import Erasures
    from ..adapters.facts import Facts
    from ..adapters.files import Files
    from ..adapters.imports import Imports
    from ..adapters.lines import Lines
    from ..adapters.liveperson import LivePerson
    from ..adapters.mail import MailService
    from ..adapters.media import MediaFiles
    from ..adapters.number_health import NumberHealth
    from ..adapters.pace import Pace
    from ..adapters.presences import Presences
    from ..adapters.programs import Programs
    from ..adapters.push import PushService
    from ..adapters.queues import Queues
    from ..adapters.relay_runs import RelayRuns
    from ..adapters.requests import Requests
    from ..adapters.secrets import Secrets
    from ..adapters.stores import Stores
    from ..adapters.table import Table
    from ..adapters.texts import Texts
    from ..adapters.threads import Threads
    from ..adapters.twilio import Twilio
    from ..adapters.unclaimed import Unclaimed
    from ..model import Phone
    from .twilio_webhooks import TwilioWebhooks
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


def _on_table(module: str, name: str) -> Any:
    """An adapter made of the table alone, imported and built at first use."""

    def build(house: Services) -> Any:
        return getattr(import_module(f"..adapters.{module}", __package__), name)(house.table)

    return cached_property(build)


class Services:
    """Adapters joined to settings. Every property is built at first use and then kept."""

    # Lambda's role; the local stack tells its functions apart by credentials of its own making.
    credentials: Mapping[str, str] = {}
    # So many texts the sweep sends side by side; tests that count on an order have one.
    texts_at_once = 10

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
        hurried = bool(self.settings.relay_secret)  # nobody else verifies events
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

    # Those that need the table and nothing else.
    conversations: Conversations = _on_table("conversations", "Conversations")
    conversation_changes: ConversationChanges = _on_table(
        "conversation_changes", "ConversationChanges"
    )
    numbers: NumberHealth = _on_table("number_health", "NumberHealth")
    consents: Consents = _on_table("consents", "Consents")
    erasures: Erasures = _on_table("erasures", "Erasures")
    facts: Facts = _on_table("facts", "Facts")
    imports: Imports = _on_table("imports", "Imports")
    lines: Lines = _on_table("lines", "Lines")
    relay_runs: RelayRuns = _on_table("relay_runs", "RelayRuns")
    texts: Texts = _on_table("texts", "Texts")
    threads: Threads = _on_table("threads", "Threads")
    unclaimed: Unclaimed = _on_table("unclaimed", "Unclaimed")
    calls: Calls = _on_table("calls", "Calls")
    requests: Requests = _on_table("requests", "Requests")

    @cached_property
    def programs(self) -> Programs:
        from ..adapters.programs import Programs

        return Programs(self.table, now=self.now)

    @cached_property
    def customers(self) -> Customers:
        from ..adapters.customers import Customers

        return Customers(self.table, key=self.secrets.text(self.settings.customer_key_secret))

    @cached_property
    def webhooks(self) -> Webhooks:
        from .webhooks import Webhooks

        return Webhooks(self.secrets, prefix=self.settings.secret_prefix,
                        relay_secret=self.settings.relay_secret, now=self.now)  # fmt: skip

    @cached_property
    def twilio_webhooks(self) -> TwilioWebhooks:
        from .twilio_webhooks import TwilioWebhooks

        return TwilioWebhooks(self.secrets, prefix=self.settings.secret_prefix,
                              public_url=self.settings.public_url, now=self.now)  # fmt: skip

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
                      imports=self.settings.import_queue_url, sms=self.settings.sms_queue_url,
                      relay=self.settings.relay_queue_url, line=self.settings.line_queue_url)  # fmt: skip

    @cached_property
    def files(self) -> Files:
        return self._files(self.settings.roster_bucket)

    @cached_property
    def import_files(self) -> Files:
        return self._files(self.settings.import_bucket)

    @cached_property
    def report_files(self) -> Files:
        return self._files(self.settings.report_bucket)

    def _files(self, bucket: str) -> Files:
        from ..adapters.files import Files

        return Files(self._client("s3"), bucket=bucket)

    @cached_property
    def liveperson(self) -> LivePerson:
        from ..adapters.liveperson import LivePerson

        return LivePerson(
            secrets=self.secrets, domain_api=self.settings.liveperson_domain_api,
            gateway=self.settings.liveperson_gateway, now=self.now, sleep=self.sleep,
        )  # fmt: skip

    @cached_property
    def twilio(self) -> Twilio:
        return self._twilio()

    @cached_property
    def hasty_twilio(self) -> Twilio:
        from ..deflecting import FOR_TEXT_S

        return self._twilio(most_s=FOR_TEXT_S)

    def _twilio(self, *, most_s: float | None = None) -> Twilio:
        from ..adapters.twilio import Twilio

        return Twilio(secrets=self.secrets, api=self.settings.twilio_api, now=self.now,
                      sleep=self.sleep, most_s=most_s)  # fmt: skip

    @cached_property
    def push(self) -> PushService:
        from ..adapters.push import PushService

        return PushService(secrets=self.secrets)

    @cached_property
    def mail(self) -> MailService:
        from ..adapters.mail import MailService

        return MailService(secrets=self.secrets)

    @cached_property
    def media(self) -> MediaFiles:
        from ..adapters.media import MediaFiles

        return MediaFiles()

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
