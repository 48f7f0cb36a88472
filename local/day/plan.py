"""What a day is made of: stores, associates, their customers, what is asked when. Seeded."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

ASSOCIATES, SENDS = 16_000, 100  # of a full day
BATCH, PER_STORE = 10, 8
REPLIES = 0.06
MESSAGES, BY_CUSTOMER = 17.63, 7.70  # per conversation; of those the customer's
DAY = date(2026, 11, 18)  # a Wednesday
# Before the first zone's working day, in which nobody asks for anything.
DAWN = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Settings:
    """How large a day, and how bad. `rate` is messages/s at the vendor; None = as contracted."""

    scale: Fraction = Fraction(1, 100)
    seed: int = 1
    faults: str = "usual"
    kills: float = 0.002
    repeats: float = 0.01
    minutes: int = 90
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where stores are: zone, state or province, a postal code there, area codes around."""

    country: str
    zone: str
    state: str
    postal_code: str
    area_codes: tuple[str, ...]
    share: float


# Zones and regions that meet (Pensacola, El Paso, Indiana, Boise) are here on purpose.
PLACES = (
    Place("US", "America/New_York", "NY", "10001", ("212", "646", "718", "917"), 20),
    Place("US", "America/New_York", "NJ", "07030", ("201", "908", "973"), 7),
    Place("US", "America/New_York", "FL", "33101", ("305", "786"), 8),
    Place("US", "America/New_York", "CT", "06101", ("203", "860"), 4),
    Place("US", "America/New_York", "MI", "48201", ("313", "248"), 4),
    Place("US", "America/Indiana/Indianapolis", "IN", "46201", ("317", "219"), 4),
    Place("US", "America/Chicago", "FL", "32501", ("850",), 3),
    Place("US", "America/Chicago", "TX", "75201", ("214", "972"), 10),
    Place("US", "America/Chicago", "IL", "60601", ("312", "773"), 8),
    Place("US", "America/Chicago", "AL", "35201", ("205",), 3),
    Place("US", "America/Denver", "TX", "79901", ("915",), 2),
    Place("US", "America/Denver", "CO", "80202", ("303", "720"), 5),
    Place("US", "America/Boise", "ID", "83702", ("208",), 2),
    Place("US", "America/Phoenix", "AZ", "85001", ("602", "480"), 4),
    Place("US", "America/Los_Angeles", "CA", "90012", ("213", "310", "323"), 13),
    Place("US", "America/Los_Angeles", "WA", "98101", ("206",), 4),
    Place("US", "Pacific/Honolulu", "HI", "96801", ("808",), 2),
    Place("CA", "America/Toronto", "ON", "M5V", ("416", "647"), 5),
    Place("CA", "America/Vancouver", "BC", "V6B", ("604", "778"), 2),
)
BANNERS = {"US": {"kay": 40, "zales": 30, "jared": 15, "kay_outlet": 5, "zales_outlet": 5,
                  "banter": 5}, "CA": {"peoples": 1}}  # fmt: skip

# What kind of customer, and how many of a hundred rows.
KINDS = {
    "ordinary": 82.0, "no consent": 3.0, "other banner only": 1.5, "out before": 2.0,
    "out by the counter": 1.5, "out by text": 1.5, "shared": 4.0, "landline": 1.0, "invalid": 1.0,
    "toll-free": 0.5, "filtered": 1.0, "twice in the batch": 0.5, "again": 0.5,
}  # fmt: skip


@dataclass(slots=True)
class Customer:
    """Somebody with a handset. `consents` banner -> class; `out_at` = when they will opt out."""

    phone: str
    kind: str
    consents: dict[str, str] = field(default_factory=dict)
    zone: str | None = None
    postal_code: str | None = None
    out_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shop:
    account: str
    group: str
    banner: str
    place: Place


@dataclass(frozen=True, slots=True)
class Clerk:
    """An associate."""

    login: str
    nickname: str
    employee: str
    shop: Shop
    online: bool


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of an associate: `recipients` pair a customer with the text's own reference."""

    at: datetime
    clerk: Clerk
    key: str
    template: str
    recipients: tuple[tuple[Customer, str], ...]


@dataclass(slots=True)
class Plan:
    shops: list[Shop]
    clerks: list[Clerk]
    customers: list[Customer]
    asks: list[Ask]


class _Numbers:
    """Handset numbers that nobody has: exchange 555 of each area code."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._free: dict[str, list[int]] = {}

    def take(self, area_code: str) -> str:
        if area_code not in self._free:
            numbers = list(range(2000, 10_000))
            self._chance.shuffle(numbers)
            self._free[area_code] = numbers
        return f"+1{area_code}555{self._free[area_code].pop():04d}"


def make_plan(settings: Settings, *, accounts: dict[str, str]) -> Plan:
    """The day of this seed. `accounts` is banner -> the account its associates work in."""
    chance = random.Random(f"day {settings.seed}")
    count = max(1, round(ASSOCIATES * settings.scale))
    shops = _shops(chance, count=-(-count // PER_STORE), accounts=accounts)
    clerks = [
        Clerk(f"a{n:05d}@{shop.banner}.example.com", f"Sam{n:05d}", f"{500_000 + n}", shop,
              online=chance.random() < 0.85)
        for n, shop in enumerate(shops[n // PER_STORE] for n in range(count))
    ]  # fmt: skip
    plan = Plan(shops, clerks, [], [])
    numbers, shared = _Numbers(chance), list[Customer]()
    for clerk in clerks:
        batches = SENDS // BATCH + (chance.random() < 0.1)  # one in ten asks for more than a day
        early = chance.random() < 0.7
        for batch in range(batches):
            plan.asks.append(_ask(plan, clerk, batch, early=early, chance=chance,
                                  numbers=numbers, shared=shared))  # fmt: skip
    plan.asks.sort(key=lambda ask: (ask.at, ask.key))
    return plan


def _shops(chance: random.Random, *, count: int, accounts: dict[str, str]) -> list[Shop]:
    shops = []
    for n in range(count):
        place = chance.choices(PLACES, [one.share for one in PLACES])[0]
        names = BANNERS[place.country]
        banner = chance.choices(list(names), list(names.values()))[0]
        shops.append(Shop(accounts[banner], f"Store {n:04d}", banner, place))
    return shops


def _ask(
    plan: Plan, clerk: Clerk, batch: int, *, early: bool, chance: random.Random,
    numbers: _Numbers, shared: list[Customer],
) -> Ask:  # fmt: skip
    opening = local(clerk.shop.place.zone, 11)
    if early:  # the evening's list is sent off before the shop may text anybody
        at = opening - timedelta(seconds=chance.triangular(0, 3.5 * 3600, 600))
    else:
        at = opening + timedelta(seconds=chance.triangular(0, 9.4 * 3600, 1800))
    at = max(at, DAWN + timedelta(minutes=5))
    people: list[Customer] = []
    while len(people) < BATCH:
        kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
        if kind == "twice in the batch" and people:
            people.append(chance.choice(people))
        elif kind == "again" and (mine := _mine(plan, clerk)):
            people.append(chance.choice(mine))
        elif kind == "shared" and shared and chance.random() < 0.6:
            people.append(chance.choice(shared))
            people[-1].consents.setdefault(clerk.shop.banner, "one_to_one")
        else:
            fresh = _customer(kind, clerk, at=at, chance=chance, numbers=numbers)
            plan.customers.append(fresh)
            if kind == "shared" and clerk.shop.place.country == "US":
                shared.append(fresh)
            people.append(fresh)
    template = "sale" if chance.random() < 0.05 else "new-arrivals"
    name = clerk.login.partition("@")[0]
    key = f"{name}-b{batch:02d}"
    return Ask(at, clerk, key, template,
               tuple((who, f"{key}-r{n}") for n, who in enumerate(people)))  # fmt: skip


def _mine(plan: Plan, clerk: Clerk) -> list[Customer]:
    return [who for ask in plan.asks if ask.clerk is clerk for who, _ in ask.recipients
            if who.kind == "ordinary"]  # fmt: skip


def _customer(
    kind: str, clerk: Clerk, *, at: datetime, chance: random.Random, numbers: _Numbers
) -> Customer:
    home = clerk.shop.place
    elsewhere = chance.random()
    others = [one for one in PLACES if one.country == home.country]
    place = home if elsewhere < 0.85 else chance.choice(others)
    code = "888" if kind == "toll-free" else chance.choice(place.area_codes)
    who = Customer(numbers.take(code), kind)
    if kind != "no consent":
        mine = "marketing" if chance.random() < 0.15 else "one_to_one"
        banner = clerk.shop.banner
        if kind == "other banner only":
            banner = "jared" if banner != "jared" else "kay"
        who.consents[banner] = mine
        told = chance.random()
        who.postal_code = chance.choice([place, home]).postal_code if told < 0.3 else None
        who.zone = place.zone if told > 0.9 else None
    if kind in ("out by the counter", "out by text"):
        opening = max(at, local(home.zone, 11))
        who.out_at = opening + timedelta(seconds=chance.triangular(-1500, 1500, 0))
        who.out_at = max(who.out_at, at + timedelta(seconds=5))
    return who


def local(zone: str, hour: int, minute: int = 0) -> datetime:
    """This wall clock time of the day, as an instant."""
    return datetime.combine(DAY, time(hour, minute), tzinfo=ZoneInfo(zone)).astimezone(UTC)


def spread(count: float, *, chance: random.Random) -> int:
    """A whole number that is `count` on average."""
    return int(count) + (chance.random() < count % 1)
