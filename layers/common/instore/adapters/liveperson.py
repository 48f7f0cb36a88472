"""LivePerson, as this project knows it: people, presence, outreach, reports, context, keys.

One object per process. Each method is one subject's function with the process's connections and
caches (liveperson_session.py) put in; what may go wrong is said in vendor_http.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..campaign import Campaign, CampaignResult
from ..presence import Evidence
from . import liveperson_context as context
from . import liveperson_outreach as outreach
from . import liveperson_people as people
from . import liveperson_presence as presence
from . import liveperson_reporting as reporting
from .liveperson_connector import Connector
from .liveperson_keys import TokenKeys
from .liveperson_outreach import TextStatus
from .liveperson_people import Group, Listing, Skill, User
from .liveperson_reporting import Transaction
from .liveperson_session import Session
from .vendor_http import VendorHttp

if TYPE_CHECKING:
    import httpx
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from ..program import Account
    from .secrets import Secrets

__all__ = ["Campaign", "CampaignResult", "Group", "Listing", "LivePerson", "Skill", "TextStatus",
           "Transaction", "User"]  # fmt: skip

_MOST_NAMES = 10_000


class LivePerson:
    """The client. `gateway` (a base URL) stands in for all hosts that are derived from the zone;
    `transport` and `monotonic` are for tests."""

    def __init__(
        self, *, secrets: Secrets, domain_api: str, gateway: str, now: Callable[[], datetime],
        sleep: Callable[[float], None], transport: httpx.BaseTransport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        http = VendorHttp(transport=transport, monotonic=monotonic)
        self._session = Session(secrets=secrets, domain_api=domain_api, gateway=gateway, now=now,
                                http=http)  # fmt: skip
        self._keys = TokenKeys(self._session)
        self.connector = Connector(self._session)
        self._sleep = sleep
        self._names: dict[tuple[str, str], str] = {}
        self.close = http.close

    def users(self, account: Account, *, revision: str | None = None) -> Listing[User] | None:
        """All users; None if nothing of the account changed since `revision`."""
        return people.list_users(self._session, account, revision=revision)

    def groups(self, account: Account, *, revision: str | None = None) -> Listing[Group] | None:
        """All agent groups; None if unchanged."""
        return people.list_groups(self._session, account, revision=revision)

    def skills(self, account: Account, *, revision: str | None = None) -> Listing[Skill] | None:
        """All skills; None if unchanged."""
        return people.list_skills(self._session, account, revision=revision)

    def user(self, account: Account, *, user_id: str) -> User | None:
        """One user by numeric id; None if there is none."""
        return people.read_user(self._session, account, user_id=user_id)

    def agent_view(self, account: Account, *, agent_ids: list[str], now: datetime) -> Evidence:
        """Presence of these agents within two seconds, or a VendorError: no information."""
        return presence.view_agents(self._session, account, agent_ids=agent_ids, now=now)

    def start_campaign(self, account: Account, *, campaign: Campaign) -> CampaignResult:
        """Text up to 100 people. See `send_campaign` for which errors mean "nobody was texted"."""
        return outreach.send_campaign(self._session, account, campaign=campaign)

    def campaign_status(self, account: Account, *, campaign_id: str) -> list[TextStatus]:
        """How each text of a campaign stands."""
        return outreach.read_campaign(self._session, account, campaign_id=campaign_id)

    def campaign_name(self, account: Account, *, campaign_id: str) -> str | None:
        """The name a campaign was started with; None if LivePerson does not say. It never changes:
        a name once told is not asked for again by this process."""
        key = account.id, campaign_id
        name = self._names.get(key) or reporting.name_of_campaign(
            self._session, account, campaign_id=campaign_id
        )
        if name is not None:
            if len(self._names) >= _MOST_NAMES:
                self._names.clear()
            self._names[key] = name
        return name

    def campaign_report(self, account: Account, *, campaign_id: str) -> list[TextStatus]:
        """How each text of a campaign ended as the carriers say; up to 20 minutes late."""
        return reporting.report_of_campaign(self._session, account, campaign_id=campaign_id)

    def transactions(
        self, account: Account, *, start: datetime, end: datetime, statuses: Sequence[str] = (),
        skills: Sequence[str] = (),
    ) -> list[Transaction]:  # fmt: skip
        """All outbound SMS attempted between two instants (of these statuses and skills, if any
        are named); up to 20 minutes late."""
        return reporting.list_transactions(self._session, account, start=start, end=end,
                                           sleep=self._sleep, statuses=statuses, skills=skills)  # fmt: skip

    def write_context(
        self, account: Account, *, namespace: str, session: str, properties: Mapping[str, Any]
    ) -> None:
        """Set these properties of a context session; None removes one."""
        context.write_properties(self._session, account, namespace=namespace, session_id=session,
                                 properties=properties)  # fmt: skip

    def token_keys(self, account: Account, *, refresh: bool = False) -> dict[str, RSAPublicKey]:
        """Keys that verify tokens sent to our bot, by key id. `refresh` asks anew, at most once a
        minute."""
        return self._keys.of(account, refresh=refresh)
