"""AWS's cron expressions (six fields, UTC): minutes hours day-of-month month day-of-week year."""

from __future__ import annotations

from datetime import datetime, timedelta

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))


def _number(text: str, names: list[str], first: int) -> int:
    return names.index(text.upper()) + first if text.upper() in names else int(text)


def _field(text: str, low: int, high: int, names: list[str]) -> set[int]:
    values: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        if span in ("*", "?"):
            first, last = low, high
        elif "-" in span:
            a, b = span.split("-", 1)
            first, last = _number(a, names, low), _number(b, names, low)
        else:
            first = _number(span, names, low)
            last = high if step else first
        if not low <= first <= last <= high:
            raise ValueError(f"{text} is outside {low}-{high}")
        values.update(range(first, last + 1, int(step or 1)))
    return values


def next_after(expression: str, *, after: datetime) -> datetime | None:
    """The next minute later than `after` that fits. Raises ValueError for a wrong expression."""
    fields = expression.split()
    if len(fields) != 6 or (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError(f"cron({expression}) needs six fields and exactly one ?")
    names: tuple[list[str], ...] = ([], [], [], _MONTHS, _DAYS, [])
    minutes, hours, days, months, weekdays, years = (
        _field(text, low, high, words)
        for text, (low, high), words in zip(fields, _RANGES, names, strict=True)
    )
    day = (after + timedelta(minutes=1)).replace(second=0, microsecond=0)
    start = day
    while day.year <= max(years) and (day - start).days <= 366 * 8:
        fits = (day.year in years and day.month in months and day.day in days
                and day.isoweekday() % 7 + 1 in weekdays)  # fmt: skip
        if fits:
            for hour in sorted(hours):
                for minute in sorted(minutes):
                    found = day.replace(hour=hour, minute=minute)
                    if found >= start:
                        return found
        day = (day + timedelta(days=1)).replace(hour=0, minute=0)
    return None
