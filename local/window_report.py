"""Why may this customer (not) be texted now: the answer, the rule that decides, and its source.

    python -m local.window_report +13105550123 --store-zone America/New_York --store-state NY
        [--country US] [--postal-code 10001] [--zone America/Denver] [--hours 11:00-20:00 | none]
        [--max-defer 48] [--at 2026-11-18T11:30-05:00]

The same code and the same dated data as every send (layers/common/instore/data/*.csv); nothing is
looked up, so consent, cap and switches are another question (`POST /outreach/check`). Exit 0 =
allowed, 1 = later or never, 2 = wrong use.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from instore.errors import BadInputError
from instore.model import Phone
from instore.program_parts import Hours
from instore.wall_clock import find_zone
from instore.window import Allowed, Deferred, Never, check_hours, whereabouts
from instore.window_rules import regions_of, texting_hours


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report."""
    asked = _parser().parse_args(arguments)
    try:
        phone = Phone.parse(asked.number, region=asked.country)
        now = _instant(asked.at)
        shop = _hours(asked.hours)
        for zone in filter(None, (asked.store_zone, asked.zone)):
            if find_zone(zone) is None:
                raise ValueError(f"unknown zone {zone} (write America/New_York)")
        if asked.store_state and asked.store_state not in regions_of(asked.country):
            raise ValueError(f"unknown state or province {asked.store_state}")
    except (BadInputError, ValueError) as error:
        print(f"wrong use: {error}", file=sys.stderr)
        return 2
    answer = check_hours(
        phone=phone, store_zone=asked.store_zone, associate_window=shop, zone=asked.zone, now=now,
        postal_code=asked.postal_code, region=asked.store_state, country=asked.country,
        max_defer=timedelta(hours=asked.max_defer),
    )  # fmt: skip
    lines = [f"at         {_clock(now, 'UTC')}", *_told(answer), *_grounds(phone, asked, now=now)]
    print("\n".join(lines))
    return 0 if isinstance(answer, Allowed) else 1


def _told(answer: Allowed | Deferred | Never) -> Iterator[str]:
    match answer:
        case Allowed():
            yield "answer     allowed"
        case Deferred(until=until, rule=rule):
            yield f"answer     later, at {_clock(until, 'UTC')}"
            yield f"opened by  {rule}"
        case Never(rule=rule):
            yield "answer     never, within the longest deferral"
            yield f"decided by {rule}"


def _grounds(phone: Phone, asked: argparse.Namespace, *, now: datetime) -> Iterator[str]:
    """The clocks and the rules that count, each with its source."""
    where = whereabouts(phone, zone=asked.zone, postal_code=asked.postal_code,
                        region=asked.store_state, country=asked.country,
                        store_zone=asked.store_zone)  # fmt: skip
    if isinstance(where, str):
        return
    yield "clocks     all of these must be inside the hours"
    for name in sorted(where.zones):
        yield f"           {_clock(now, name)}"
    if asked.hours != "none":
        yield f"shop       {asked.hours} by {_clock(now, asked.store_zone)}"
    yield "vendor     LivePerson sends from 08:00 to 21:00 where the number is at home"
    for name in sorted(where.number_zones):
        yield f"           {_clock(now, name)}"
    yield "rules      all of these must allow"
    for jurisdiction in sorted(where.jurisdictions):
        for rule in texting_hours().get(jurisdiction, ()):
            days = "".join("MTWTFSS"[day] if day in rule.weekdays else "-" for day in range(7))
            yield f"           {rule.name} {days}  {rule.citation}; checked {rule.checked}"


def _clock(instant: datetime, zone: str) -> str:
    return f"{instant.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M} {zone}"


def _instant(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC).replace(second=0, microsecond=0)
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("--at needs an offset, as in 2026-11-18T11:30-05:00")
    return at


def _hours(text: str) -> Hours | None:
    if text == "none":
        return None
    start, _, end = text.partition("-")
    return Hours.model_validate({"from": start, "to": end})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("number")
    parser.add_argument("--store-zone", required=True, help="IANA zone of the store")
    parser.add_argument("--store-state", help="state or province of the store")
    parser.add_argument("--country", default="US", help="country of the banner (US)")
    parser.add_argument("--postal-code", help="as the customer told it")
    parser.add_argument("--zone", help="as the customer told it")
    parser.add_argument("--hours", default="11:00-20:00",
                        help="the associates' window, or none (11:00-20:00)")  # fmt: skip
    parser.add_argument("--max-defer", type=float, default=48, metavar="HOURS",
                        help="the longest a text may wait (48)")  # fmt: skip
    parser.add_argument("--at", help="an instant with its offset (now)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
