"""What the simulator knows: accounts and their people, conversations, campaigns, handsets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(slots=True)
class Skill:
    id: str
    name: str
    transfer_wait_s: int | None = None
    transfer_list: list[str] | None = None  # skill ids; None = every skill
    deleted: bool = False


@dataclass(slots=True)
class Group:
    id: str
    name: str
    parent: str | None = None
    enabled: bool = True
    deleted: bool = False


@dataclass(slots=True)
class User:
    """An associate, a manager or a bot of one account, with the state of their workspace."""

    id: str
    pid: str
    login: str
    nickname: str
    email: str
    full_name: str = ""
    employee_id: str = ""
    group: str | None = None
    manager_of: list[str] = field(default_factory=list)
    skills: list[str] = field(default_factory=list)
    max_slots: int = 10
    user_type: int = 1
    enabled: bool = True
    deleted: bool = False
    status: str = "OFFLINE"
    status_since: datetime | None = None
    first_login: datetime | None = None
    last_seen: datetime | None = None

    @property
    def exists(self) -> bool:
        return self.enabled and not self.deleted


@dataclass(frozen=True, slots=True)
class Template:
    id: str
    text: str
    variables: int

    def render(self, values: dict[str, str]) -> str:
        text = self.text
        for key, value in values.items():
            text = text.replace("{" + key + "}", value)
        return text


@dataclass(slots=True)
class Bot:
    """A third-party bot of an account: a bot user on a skill, and the endpoint it calls."""

    account: str
    id: str
    skill: str
    url: str
    client_id: str
    environment: str
    user: User
    escalate_to: str


@dataclass(slots=True)
class Webhook:
    account: str
    client_id: str
    secret: str
    url: str
    types: tuple[str, ...]
    disabled: bool = False
    slow_since: datetime | None = None


@dataclass(slots=True)
class Account:
    id: str
    role: str
    zone: str
    keys: dict[str, str]
    scopes: tuple[str, ...]
    revision: int = 1
    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    skills: dict[str, Skill] = field(default_factory=dict)
    templates: dict[str, Template] = field(default_factory=dict)
    bots: dict[str, Bot] = field(default_factory=dict)  # by skill id
    webhooks: list[Webhook] = field(default_factory=list)
    contexts: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def skill_named(self, name: str) -> Skill | None:
        """Case-sensitive, as for bots and campaigns."""
        return next((s for s in self.skills.values() if s.name == name and not s.deleted), None)


@dataclass(slots=True)
class Phone:
    """A handset. `opted_out` holds our numbers that it must not get texts from."""

    number: str
    zone: str
    landline: bool = False
    invalid: bool = False
    opted_out: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Message:
    sequence: int
    at: datetime
    by: str  # CONSUMER or the user id
    text: str
    audience: str = "ALL"


@dataclass(slots=True)
class BotStep:
    """Something the bot has still to be told: "create", or the message of an "event"."""

    kind: str
    message: Message | None = None
    attempt: int = 1
    recreated: bool = False


@dataclass(slots=True)
class Conversation:
    """One of one account. `suggested` = offered to, `assigned` = accepted by (user ids)."""

    id: str
    account: str
    skill: str
    channel: str  # SMS or WEB
    consumer: str
    started: datetime
    number: str = ""
    phone: str = ""
    member: str = ""
    sdes: dict[str, Any] = field(default_factory=dict)
    state: str = "OPEN"
    messages: list[Message] = field(default_factory=list)
    assigned: str | None = None
    suggested: str | None = None
    fallback_at: datetime | None = None
    bot: Bot | None = None
    bot_steps: list[BotStep] = field(default_factory=list)
    transfers: list[dict[str, str]] = field(default_factory=list)
    served_by: list[str] = field(default_factory=list)
    updated_ms: int = 0
    ended: datetime | None = None
    closed_by: str = ""
    recipient: Recipient | None = None
    continues: str = ""  # id on the owner account before the roll-over

    @property
    def is_open(self) -> bool:
        return self.state == "OPEN"


@dataclass(slots=True)
class Recipient:
    """One accepted consumer of a campaign: the ground truth behind status and reporting."""

    id: str
    phone: str
    text: str
    attempted: datetime | None = None  # when the platform tried to send it
    status: str = "DRAFT"
    times: dict[str, datetime] = field(default_factory=dict)
    error: tuple[str, str] | None = None
    conversation: str = ""


@dataclass(slots=True)
class Campaign:
    id: str
    account: str
    name: str
    skill: str
    template: str
    number: str
    created: datetime
    recipients: list[Recipient] = field(default_factory=list)
