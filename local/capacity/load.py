"""A day's load, and what is allowed: read from YAML, checked, unknown names refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from instore.program import Program

from ..template import read_template

HERE = Path(__file__).parent
MINUTES = 60
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[float, Field(ge=0, le=1_000)]  # messages of a conversation, seconds of a call
Minutes = Annotated[int, Field(ge=1, le=10_080)]


class LineLoad(BaseModel):
    """What a day asks of the SMS line; conversations have the length the load says."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    associates: Annotated[int, Field(gt=0, le=1_000_000)] = 20_000  # each with a relay number
    conversations_each: Count = 2  # a day, begun by a customer's text
    requests: Annotated[float, Field(ge=0, le=1e7)] = 10_000  # service requests answered by text
    calls: Annotated[float, Field(ge=0, le=1e7)] = 20_000  # to branches that offer to text
    accepted_share: Share = 0.3
    call_min: Count = 1  # minutes that a call is paid for
    deferred: Annotated[float, Field(ge=0, le=1e7)] = 100_000  # overnight, due at the opening
    statuses: Count = 3  # callbacks a text: queued, sent, delivered
    days: Annotated[int, Field(ge=1, le=31)] = 30  # of a month, for the bill


class Load(BaseModel):
    """What a selling day asks for. Defaults: docs/capacity.md has the source of each."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    name: str = "own"
    day: date = date(2026, 11, 18)
    associates: Annotated[int, Field(gt=0)] = 16_000
    sends: Annotated[float, Field(gt=0, le=1e9)] = 800_000
    reply_rate: Share = 0.06
    held_share: Share = 0.2  # accepted before the window opens, due at its first minute
    curve: list[Annotated[float, Field(ge=0)]] = [1]  # weights of equal parts of the window
    zones: dict[str, Share] = {
        "America/New_York": 0.476, "America/Chicago": 0.291, "America/Denver": 0.067,
        "America/Los_Angeles": 0.166,
    }  # fmt: skip
    banner_shares: dict[str, Share] = {}  # of the conversations; empty = all alike
    segments: Annotated[float, Field(ge=1, le=10)] = 1
    reply_within_min: Minutes = 60
    conversation_min: Minutes = 90
    customer_messages: Count = 7.70
    associate_messages: Count = 9.92
    bot_messages: Count = 3
    bot_min: Minutes = 2  # minutes a conversation is with the bot
    waiting_share: Share = 0.25  # of the conversations: left waiting, told by a text later
    t_mobile_share: Share = 140 / 405
    att_share: Share = 119 / 405
    vendor_call_s: Count = 0.5
    routing_s: Count = 0.4  # both bot calls of a conversation together
    accept_s: Count = 1.0  # one request of the clienteling app
    webhook_s: Count = 0.05
    assigned_s: Count = 0.5
    line: LineLoad = LineLoad()

    @model_validator(mode="after")
    def _whole(self) -> Load:
        for name, shares in (("zones", self.zones), ("banner_shares", self.banner_shares)):
            if shares and abs(sum(shares.values()) - 1) > 0.005:
                raise ValueError(f"{name} add up to {sum(shares.values()):.3f}, not to 1")
        if not self.zones or not sum(self.curve):
            raise ValueError("zones and curve may not be empty")
        for zone in self.zones:
            try:
                ZoneInfo(zone)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise ValueError(f"zones: {zone!r} is not an IANA time zone") from None
        return self

    @property
    def conversations(self) -> float:
        return self.sends * self.reply_rate

    @property
    def first_zone(self) -> str:
        """The zone whose day begins first: all times are told in it."""
        noon = datetime.combine(self.day, time(12))
        return max(self.zones, key=lambda zone: _offset(noon, zone))

    def later_min(self, zone: str) -> int:
        """Minutes by which this zone's clocks are behind the first zone's."""
        noon = datetime.combine(self.day, time(12))
        behind = _offset(noon, self.first_zone) - _offset(noon, zone)
        return int(behind.total_seconds() // 60)


def _offset(instant: datetime, zone: str) -> timedelta:
    return instant.replace(tzinfo=ZoneInfo(zone)).utcoffset() or timedelta()


def presets() -> dict[str, dict[str, Any]]:
    """Name -> the load's numbers as written in loads.yaml."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "loads.yaml").read_text("utf-8"))
    return found


def read_load(scale: str = "expected", *, file: Path | None = None, **changes: Any) -> Load:
    """A preset, changed by a file, changed by what was said on the command line (None = not)."""
    numbers: dict[str, Any] = {"name": scale, **presets()[scale]}
    if file is not None:
        numbers |= {"name": file.stem, **read_mapping(file)}
    return Load(**{**numbers, **{k: v for k, v in changes.items() if v is not None}})


def read_mapping(file: Path) -> dict[str, Any]:
    """A YAML file of names and values; an empty one is none. Raises ValueError."""
    found = yaml.safe_load(file.read_text("utf-8")) or {}
    if not isinstance(found, dict):
        raise ValueError(f"{file.name} has to be names with their values")
    return {str(name): value for name, value in found.items()}


@dataclass(frozen=True, slots=True)
class LineContract:
    """The same for the SMS line."""

    numbers: int  # of the program's pool
    senders_per_service: int
    services: int
    hands: int  # functions that may send due texts at once
    table_write_units: float
    http_per_s: float
    fifo_per_s: float
    twilio_at_once: float
    numbers_per_campaign: float
    number_per_min: float
    long_code_per_s: float
    campaign_per_s: float
    toll_free_per_s: float
    short_code_per_s: float


@dataclass(frozen=True, slots=True)
class Contract:
    """What is allowed: from the program, the template and limits.yaml, as plain numbers."""

    requests_per_s: float
    messages_per_s: float
    notification_share: float
    recipients_per_batch: int
    per_associate_day: int
    chunk: int
    gap_s: float
    opens_min: int  # of the associates' window, minutes after local midnight
    closes_min: int
    senders: int  # send functions at once
    bots: tuple[tuple[str, frozenset[str]], ...]  # bot -> banners it serves
    recipients_per_day: float
    bot_messages_per_min: float
    bot_conversations: float
    brands: float
    campaigns: float
    t_mobile_per_day: float
    att_per_min: float
    lambda_concurrency: float
    partition_write_units: float
    line: LineContract | None = None  # None: the program has no SMS line

    @property
    def bulk_per_s(self) -> float:
        """Proactive texts a second: the rest is kept for notices to waiting customers."""
        return self.messages_per_s * (1 - self.notification_share)

    @property
    def window_s(self) -> int:
        return (self.closes_min - self.opens_min) * 60

    def busiest_bot(self, load: Load) -> float:
        """The largest share of all conversations that one bot has. Raises ValueError for a share
        of a banner that the program does not have."""
        banners = {banner for _, served in self.bots for banner in served}
        even = 1 / len(banners)
        own = load.banner_shares
        strangers = sorted(own.keys() - banners)
        if strangers:
            raise ValueError(f"banner_shares: no such banner: {', '.join(strangers)}")
        share = {b: own.get(b, 0.0) if own else even for b in banners}
        at_bots = {b: sum(b in served for _, served in self.bots) for b in banners}
        return max(sum(share[b] / at_bots[b] for b in served) for _, served in self.bots)


def contract_of(program: Program, *, own: Mapping[str, float] | None = None) -> Contract:
    """What the program's contract numbers and limits.yaml allow; `own` limits replace the latter.

    Raises ValueError for an own limit that does not exist or is no number above 0, and for windows
    that have no minute in common. Where banners differ, the tightest counts: they share the owner
    account's line.
    """
    listed = {name: row["allowed"] for name, row in limits().items()}
    unknown = set(own or {}) - set(listed)
    if unknown:
        raise ValueError(f"no such limit: {', '.join(sorted(unknown))}")
    for name, value in (own or {}).items():
        if not (isinstance(value, int | float) and 0 < value < math.inf):
            raise ValueError(f"{name}: {value!r} is no number above 0")
    texting = [b for b in program.banners if b.features.outreach] or program.banners
    parts = [banner.outreach for banner in texting]
    opens = max(_minutes(p.associate_window.start) for p in parts)
    closes = min(_minutes(p.associate_window.end) for p in parts)
    if opens >= closes:
        raise ValueError("the banners' associate windows have no minute in common")
    served: dict[str, set[str]] = {}
    for banner in program.banners:
        for bot in banner.bots:
            served.setdefault(f"{banner.account}.{bot}", set()).add(banner.name)
    allowed = {**listed, **(own or {})}
    return Contract(
        requests_per_s=min(p.rate.requests_per_s for p in parts),
        messages_per_s=min(p.rate.messages_per_s for p in parts),
        notification_share=max(p.rate.notification_share for p in parts),
        recipients_per_batch=min(p.recipients_per_batch for p in parts),
        per_associate_day=min(p.per_associate_day for p in parts),
        chunk=min(p.chunk for p in parts),
        gap_s=max(p.gap_s for p in parts),
        opens_min=opens,
        closes_min=closes,
        senders=int(read_template()["Parameters"]["SendConcurrency"]["Default"]),
        bots=tuple(sorted((bot, frozenset(names)) for bot, names in served.items())),
        line=_of_line(program, allowed),
        **{name: value for name, value in allowed.items() if name not in _OF_THE_LINE},
    )  # fmt: skip


_OF_THE_LINE = {field.name for field in fields(LineContract)}


def _of_line(program: Program, listed: Mapping[str, float]) -> LineContract | None:
    if program.line is None:
        return None
    pool = program.line.pool
    return LineContract(
        numbers=pool.most_numbers, senders_per_service=pool.senders_per_service,
        services=len(pool.messaging_services),
        hands=int(read_template()["Parameters"]["LineConcurrency"]["Default"]),
        **{name: value for name, value in listed.items() if name in _OF_THE_LINE},
    )  # fmt: skip


def limits() -> dict[str, dict[str, Any]]:
    """limits.yaml: name -> allowed, what, source."""
    read = yaml.safe_load((HERE / "limits.yaml").read_text("utf-8"))
    found: dict[str, dict[str, Any]] = read["limits"]
    return found


def _minutes(at: time) -> int:
    return at.hour * MINUTES + at.minute
