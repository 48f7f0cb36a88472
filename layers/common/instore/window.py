"""May this customer be texted now; if not, when, and which rule decides (C16, I2).

Allowed = inside the associate's window in the store's zone, and inside the legal hours of every
region where the customer may be, by the clock of every zone where the customer may be. What is not
known makes the window narrower, never wider:

- zone: the stated one; else the postal code's; else the store's together with the area code's
  (mobile numbers travel and stores are local: where the two disagree both must allow); a number
  whose area code says nothing may be anywhere in the country;
- region: the postal code's, else the store's; and always the area code's (some states presume that
  their area codes are theirs); none known = the strictest hours of every rule of the country;
- LivePerson's own hours by the number's zone, wherever the customer is: outside them it keeps the
  text and sends it by itself later, at an instant that nobody here has judged (I2, I9).

All times are computed as wall clock by zoneinfo at the instant itself, so a change-over day needs
no case of its own. A text inside a running conversation is no outreach and does not come here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from .model import Phone
from .wall_clock import find_zone, openings
from .window_rules import (
    Place,
    Rule,
    anywhere,
    place_of_area_code,
    place_of_postal_code,
    regions_of,
    texting_hours,
)

if TYPE_CHECKING:
    from .directory import Store
    from .program_parts import Hours, Outreach


@dataclass(frozen=True, slots=True)
class Allowed:
    """Now is fine."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now; `until` is the next legal instant (UTC, whole minute), `rule` what it waits for."""

    until: datetime
    rule: str


@dataclass(frozen=True, slots=True)
class Never:
    """Not now and not within the longest deferral; `rule` is what stands in the way."""

    rule: str


@dataclass(frozen=True, slots=True)
class _Edge:
    """One end of a day's hours with the name of the rule that sets it."""

    at: time
    rule: str


@dataclass(frozen=True, slots=True)
class _Day:
    """What all rules leave of a weekday; `opens` None = closed, by `closed_by`."""

    opens: _Edge | None
    closes: _Edge | None
    closed_by: str = ""


_Week = tuple[_Day, ...]

# LivePerson sends an SMS from 08:00 to 21:00 in the zone it derives from the recipient's number,
# and lets it wait for the next opening otherwise. Source: developer center, Proactive Messaging.
_VENDOR_OPENS, _VENDOR_CLOSES = time(8), time(21)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a customer may be: all these clocks and all rules of these jurisdictions must allow.

    `number_zones`: where LivePerson may think the number is at home.
    """

    zones: tuple[str, ...]
    jurisdictions: frozenset[str]  # US, US-CT, CA …
    number_zones: tuple[str, ...]


def check_window(
    *, phone: Phone, store: Store | None, program_outreach: Outreach, zone: str | None,
    postal_code: str | None, country: str, now: datetime,
) -> Allowed | Deferred | Never:  # fmt: skip
    """`check_hours` for an associate of `store` under the banner's outreach rules.

    `zone` (IANA) and `postal_code` are what the customer told, `country` is the banner's. A store
    that is not known is Never: without its clock there is no associate's window.
    """
    return check_hours(
        phone=phone, store_zone=store.zone if store else "", region=store.state if store else None,
        associate_window=program_outreach.associate_window, zone=zone, postal_code=postal_code,
        country=country, now=now, max_defer=timedelta(hours=program_outreach.max_defer_hours),
    )  # fmt: skip


def check_hours(
    *, phone: Phone, store_zone: str, associate_window: Hours | None, zone: str | None,
    postal_code: str | None, region: str | None, country: str, now: datetime, max_defer: timedelta,
) -> Allowed | Deferred | Never:  # fmt: skip
    """The first instant from `now` on at which a text to `phone` is lawful and in shop hours.

    `store_zone` and `region` (state or province) are the store's. `associate_window` None = only
    the law counts. Sources of the hours: data/texting_hours.csv.
    """
    weeks = _weeks(phone, store_zone=store_zone, associate_window=associate_window, zone=zone,
                   postal_code=postal_code, region=region, country=country)  # fmt: skip
    if isinstance(weeks, str):
        return Never(weeks)
    start = now.astimezone(UTC)
    instant, rule = start, ""
    while True:
        latest = instant
        for name, week in weeks:
            opening, waits_for = _next_opening(name, week=week, instant=instant)
            if opening is None or opening - start > max_defer:
                return Never(waits_for)
            if opening > latest:
                latest, rule = opening, waits_for
        if latest == instant:
            return Allowed() if instant == start else Deferred(instant, rule)
        instant = latest


def closes_at(
    *, phone: Phone, store_zone: str, associate_window: Hours | None, zone: str | None,
    postal_code: str | None, region: str | None, country: str, now: datetime,
) -> datetime:  # fmt: skip
    """Until when the hours last that `check_hours` finds open `now`: the first end of any of them."""
    weeks = _weeks(phone, store_zone=store_zone, associate_window=associate_window, zone=zone,
                   postal_code=postal_code, region=region, country=country)  # fmt: skip
    if isinstance(weeks, str):
        return now
    return min(_closing(name, week=week, instant=now) for name, week in weeks)


def _weeks(
    phone: Phone, *, store_zone: str, associate_window: Hours | None, zone: str | None,
    postal_code: str | None, region: str | None, country: str,
) -> list[tuple[str, _Week]] | str:  # fmt: skip
    """All hours that count, each with the zone whose clock they go by; or why none are known."""
    where = whereabouts(phone, zone=zone, postal_code=postal_code, region=region, country=country,
                        store_zone=store_zone)  # fmt: skip
    if isinstance(where, str):
        return where
    law = _legal_week(where.jurisdictions)
    vendor = _daily("LivePerson", _VENDOR_OPENS, _VENDOR_CLOSES)
    weeks = [(name, law) for name in where.zones]
    weeks += [(name, vendor) for name in where.number_zones]
    if associate_window is not None:
        if find_zone(store_zone) is None:
            return "the zone of the store is not known"
        shop = _daily("associate_window", associate_window.start, associate_window.end)
        weeks.append((store_zone, shop))
    return weeks


def whereabouts(
    phone: Phone, *, zone: str | None, postal_code: str | None, region: str | None, country: str,
    store_zone: str,
) -> Whereabouts | str:  # fmt: skip
    """Which clocks and rules count for this customer (see above); or why no hours are known."""
    if not phone.is_north_american or not regions_of(country):
        return "no texting hours are known for this country"
    numbered = place_of_area_code(phone.area_code)
    if numbered is not None and not regions_of(numbered.country):
        return f"no texting hours are known for {numbered.country}"
    posted = place_of_postal_code(postal_code)
    places = [place for place in (posted, numbered) if place is not None]
    shop = Place(country, (region,), ()) if region in regions_of(country) and region else None
    if posted is None and shop is not None:
        places.append(shop)
    zones = _plausible_zones(zone, posted=posted, numbered=numbered, country=country,
                             store_zone=store_zone)  # fmt: skip
    if (posted is None and numbered is None) or not places:
        places.append(anywhere(country))
    jurisdictions = {country}
    for place in places:
        jurisdictions |= {place.country, *(f"{place.country}-{name}" for name in place.regions)}
    home = (numbered or anywhere(country)).zones
    return Whereabouts(tuple(zones), frozenset(jurisdictions), home)


def says_where(zone: str | None) -> bool:
    """Does a stated zone name a place whose clock somebody lives by: not `UTC`, not `Etc/GMT+5`."""
    named = zone is not None and "/" in zone and not zone.startswith("Etc/")
    return named and find_zone(zone or "") is not None


def _plausible_zones(
    zone: str | None, *, posted: Place | None, numbered: Place | None, country: str,
    store_zone: str,
) -> list[str]:  # fmt: skip
    stated = [zone] if zone and says_where(zone) else []
    if posted is not None:
        # A stated zone that the postal code contradicts does not replace it.
        return stated if set(stated) & set(posted.zones) else [*stated, *posted.zones]
    if stated:
        return stated
    zones = [store_zone] if find_zone(store_zone) else []
    zones += (numbered or anywhere(country)).zones
    return list(dict.fromkeys(zones))


@lru_cache(maxsize=64)
def _daily(whose: str, start: time, end: time) -> _Week:
    name = f"{whose} {start:%H:%M}-{end:%H:%M}"
    return (_Day(_Edge(start, name), _Edge(end, name)),) * 7


@lru_cache(maxsize=1024)
def _legal_week(jurisdictions: frozenset[str]) -> _Week:
    """The hours that all these jurisdictions leave open, weekday by weekday."""
    rules = [rule for name in sorted(jurisdictions) for rule in texting_hours().get(name, ())]
    return tuple(_legal_day([r for r in rules if day in r.weekdays]) for day in range(7))


def _legal_day(rules: list[Rule]) -> _Day:
    closed = [rule for rule in rules if rule.start is None or rule.end is None]
    if closed:
        return _Day(None, None, _label(closed[-1]))
    # Of equal hours the state's rule is named, not the country's: it says more.
    opens = max((r.start or time.min, len(r.jurisdiction), _label(r)) for r in rules)
    closes = min((r.end or time.min, -len(r.jurisdiction), _label(r)) for r in rules)
    if opens[0] >= closes[0]:
        return _Day(None, None, f"{opens[2]} against {closes[2]}")
    return _Day(_Edge(opens[0], opens[2]), _Edge(closes[0], closes[2]))


def _label(rule: Rule) -> str:
    return f"{rule.name} ({rule.citation})"


def _next_opening(key: str, *, week: _Week, instant: datetime) -> tuple[datetime | None, str]:
    """First instant >= `instant` inside the week by this zone's clock, and the rule waited for."""
    zone = find_zone(key) or ZoneInfo("UTC")
    local = instant.astimezone(zone)
    today = week[local.weekday()]
    clock = local.time()
    if today.opens and today.closes and today.opens.at <= clock < today.closes.at:
        return instant, ""
    waits_for = today.closed_by
    for ahead in range(9):
        day = local.date() + timedelta(days=ahead)
        hours = week[day.weekday()]
        if hours.opens is None or hours.closes is None:
            waits_for = waits_for or hours.closed_by
            continue
        for opening in openings(key, day=day, opens=hours.opens.at, closes=hours.closes.at):
            if opening >= instant:
                return opening, _at(waits_for or hours.opens.rule, key)
    return None, _at(waits_for, key)


def _closing(key: str, *, week: _Week, instant: datetime) -> datetime:
    """When today's hours end by this zone's clock; `instant` itself where there are none."""
    zone = find_zone(key) or ZoneInfo("UTC")
    local = instant.astimezone(zone)
    hours = week[local.weekday()]
    if hours.closes is None:
        return instant
    end = datetime.combine(local.date(), hours.closes.at, tzinfo=zone).astimezone(UTC)
    return max(end, instant)


def _at(rule: str, zone: str) -> str:
    """`federal 08:00-21:00 America/Chicago (47 CFR …)`: the zone before the citation."""
    name, bracket, citation = rule.partition(" (")
    return f"{name} {zone}{bracket}{citation}"
