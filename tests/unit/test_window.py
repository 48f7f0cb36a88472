"""Which clocks and which rules count for whom (I2); the clockwork itself is in properties/."""

from __future__ import annotations

import time as stopwatch
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from instore import window_rules
from instore.directory import Store
from instore.model import Phone
from instore.program_parts import Hours, Outreach
from instore.window import Allowed, Deferred, Never, check_hours, check_window
from instore.window_rules import RulesError, place_of_area_code, place_of_postal_code

SHOP = Hours.model_validate({"from": "11:00", "to": "20:00"})
NEW_YORK = "+12125550123"
LOS_ANGELES = "+13105550123"


def at(text: str, zone: str = "America/New_York") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def ask(phone: str = NEW_YORK, **changes: Any) -> Allowed | Deferred | Never:
    usual: dict[str, Any] = {
        "store_zone": "America/New_York", "associate_window": SHOP, "zone": None,
        "postal_code": None, "region": "NY", "country": "US", "now": at("2026-11-18T12:00"),
        "max_defer": timedelta(hours=48),
    }  # fmt: skip
    return check_hours(phone=Phone(phone), **{**usual, **changes})


def law(phone: str = NEW_YORK, **changes: Any) -> Allowed | Deferred | Never:
    return ask(phone, associate_window=None, **changes)


def until(answer: Allowed | Deferred | Never) -> datetime:
    assert isinstance(answer, Deferred)
    return answer.until


# ------------------------------------------------------------------ the associate's window
def test_noon_is_fine() -> None:
    assert ask() == Allowed()


@pytest.mark.parametrize(
    ("clock", "opens"),
    [("10:59", "2026-11-18T11:00"), ("20:00", "2026-11-19T11:00"), ("23:59", "2026-11-19T11:00")],
)
def test_outside_shop_hours(clock: str, opens: str) -> None:
    answer = ask(now=at(f"2026-11-18T{clock}"))
    assert answer == Deferred(at(opens), "associate_window 11:00-20:00 America/New_York")


@pytest.mark.parametrize("clock", ["11:00", "19:59"])
def test_edges_of_shop_hours(clock: str) -> None:
    assert ask(now=at(f"2026-11-18T{clock}")) == Allowed()


def test_longest_deferral() -> None:
    late = at("2026-11-18T20:00")
    assert isinstance(ask(now=late, max_defer=timedelta(hours=15)), Deferred)
    assert ask(now=late, max_defer=timedelta(hours=14)) == Never(
        "associate_window 11:00-20:00 America/New_York"
    )


# ------------------------------------------------------------------ which zone
def test_a_western_number_waits_for_its_own_morning() -> None:
    answer = law(LOS_ANGELES, now=at("2026-11-18T11:30"))
    assert until(answer) == at("2026-11-18T09:00", "America/Los_Angeles")
    assert isinstance(answer, Deferred)
    assert answer.rule == ("CA 09:00-21:00 America/Los_Angeles (Cal. Pub. Util. Code 2872(c) "
                           "(vendor table); not verified)")  # fmt: skip


def test_a_western_number_at_an_eastern_shop_must_suit_both() -> None:
    # 20:30 in New York: fine in Los Angeles, and in New York until 21:00.
    assert law(LOS_ANGELES, now=at("2026-11-18T20:30")) == Allowed()
    assert until(law(LOS_ANGELES, now=at("2026-11-18T21:00"))) == at("2026-11-19T12:00")


def test_half_past_nine_at_night_for_an_eastern_number_of_a_western_shop() -> None:
    now = at("2026-11-18T18:30", "America/Los_Angeles")
    answer = ask(store_zone="America/Los_Angeles", region="CA", now=now)
    assert until(answer) == at("2026-11-19T11:00", "America/Los_Angeles")


def test_a_stated_zone_beats_number_and_shop() -> None:
    now = at("2026-11-18T08:30")
    assert law(NEW_YORK, now=now) == Allowed()
    assert until(law(NEW_YORK, zone="America/Denver", now=now)) == at("2026-11-18T10:00")


def test_a_postal_code_beats_number_and_shop() -> None:
    now = at("2026-11-18T08:30")
    assert until(law(NEW_YORK, postal_code="80202", now=now)) == at("2026-11-18T10:00")
    assert law(NEW_YORK, postal_code="10001", now=now) == Allowed()


def test_a_text_that_liveperson_would_keep_and_send_later_by_itself_waits_with_us() -> None:
    """The law looks at the customer, LivePerson at the number: the vendor's own opening would be
    an instant that nobody has judged, with an opt-out in between that nobody obeys (I2, I9)."""
    late = at("2026-11-18T21:30")  # half past seven in Denver
    assert until(law(NEW_YORK, zone="America/Denver", now=late)) == at("2026-11-19T10:00")
    early = at("2026-11-18T09:00")  # six in the morning where the number is at home
    answer = law("+13105550123", zone="America/New_York", region="NY", now=early)
    assert answer == Deferred(at("2026-11-18T11:00"),
                              "LivePerson 08:00-21:00 America/Los_Angeles")  # fmt: skip


def test_a_stated_zone_that_the_postal_code_contradicts_does_not_replace_it() -> None:
    now = at("2026-11-18T21:30")
    answer = law(NEW_YORK, zone="America/Denver", postal_code="10001", now=now)
    assert until(answer) == at("2026-11-19T10:00")


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "EST", "Etc/GMT+7", "../../etc/passwd"])
def test_a_zone_that_is_no_place_is_not_known(zone: str) -> None:
    now = at("2026-11-18T21:30")
    assert until(law(zone=zone, now=now)) == at("2026-11-19T08:00")


@pytest.mark.parametrize(
    "code", ["", "1234", "ABCDE", "00100", "999999", "D1A 1A1", "12345-6789-0"]
)
def test_a_postal_code_that_says_nothing(code: str) -> None:
    expected = {"12345-6789-0": "NY"}.get(code)
    place = place_of_postal_code(code)
    assert (place.regions[0] if place else None) == expected


def test_an_area_code_over_a_zone_line_must_suit_both_sides() -> None:
    # 850: Pensacola is Central, Tallahassee Eastern; Florida ends at 20:00.
    shop = {"store_zone": "America/New_York", "region": "FL"}
    assert until(law("+18505550123", now=at("2026-11-18T08:30"), **shop)) == at("2026-11-18T09:00")
    assert until(law("+18505550123", now=at("2026-11-18T20:00"), **shop)) == at("2026-11-19T09:00")


def test_a_number_that_says_nothing_may_be_anywhere() -> None:
    """500 numbers follow their owner: every zone and every rule of the country must allow."""
    answer = law("+15005550123", now=at("2026-11-18T09:00"))
    # Kentucky begins at 10:00, and the Aleutians are five hours behind New York.
    assert until(answer) == at("2026-11-18T10:00", "America/Adak")
    # Maine closes at 17:00 on weekdays, and Puerto Rico is an hour ahead.
    assert law("+15005550123", now=at("2026-11-18T15:59")) == Allowed()
    assert isinstance(law("+15005550123", now=at("2026-11-18T16:00")), Deferred)


def test_an_unknown_shop_clock_is_never() -> None:
    assert ask(store_zone="") == Never("the zone of the store is not known")
    assert ask(store_zone="Mars/Olympus") == Never("the zone of the store is not known")


@pytest.mark.parametrize(
    ("phone", "country", "why"),
    [("+447700900123", "US", "this country"), ("+18765550123", "US", "JM"),
     ("+12425550123", "US", "BS"), (NEW_YORK, "MX", "this country")],
)  # fmt: skip
def test_no_rules_no_text(phone: str, country: str, why: str) -> None:
    assert ask(phone, country=country) == Never(f"no texting hours are known for {why}")


# ------------------------------------------------------------------ which rules
@pytest.mark.parametrize(
    ("region", "day", "clock", "allowed"),
    [
        ("NY", "2026-11-18", "08:00", True), ("NY", "2026-11-18", "07:59", False),
        ("NY", "2026-11-18", "20:59", True), ("NY", "2026-11-18", "21:00", False),
        ("CT", "2026-11-18", "08:59", False), ("CT", "2026-11-18", "09:00", True),
        ("CT", "2026-11-18", "19:59", True), ("CT", "2026-11-18", "20:00", False),
        ("RI", "2026-11-18", "17:59", True), ("RI", "2026-11-18", "18:00", False),
        ("RI", "2026-11-21", "09:59", False), ("RI", "2026-11-21", "16:59", True),
        ("TX", "2026-11-22", "11:59", False), ("TX", "2026-11-22", "12:00", True),
        ("TX", "2026-11-21", "09:00", True), ("AL", "2026-11-22", "12:00", False),
        ("KY", "2026-11-18", "09:59", False), ("KY", "2026-11-18", "10:00", True),
        ("FL", "2026-11-18", "20:00", False), ("MD", "2026-11-18", "20:00", False),
        ("OK", "2026-11-18", "20:00", False), ("NJ", "2026-11-18", "20:00", False),
    ],
)  # fmt: skip
def test_rules_of_the_states(region: str, day: str, clock: str, allowed: bool) -> None:
    """The store's state counts although the number is from New York, which has no rule."""
    answer = law(region=region, now=at(f"{day}T{clock}"))
    assert (answer == Allowed()) is allowed


def test_the_area_codes_state_counts_wherever_the_customer_lives() -> None:
    """Florida presumes that its area codes are Floridians."""
    now = at("2026-11-18T20:30")
    answer = law("+13055550123", zone="America/New_York", postal_code="10001", now=now)
    assert answer == Deferred(
        at("2026-11-19T08:00"), "FL 08:00-20:00 America/New_York (Fla. Stat. 501.616(6)(a))"
    )


def test_a_postal_code_takes_the_shops_state_out() -> None:
    assert law(region="CT", postal_code="10001", now=at("2026-11-18T20:30")) == Allowed()


def test_closed_days_are_named() -> None:
    saturday = at("2026-11-21T20:30", "America/Chicago")
    shop = {"store_zone": "America/Chicago", "region": "AL"}
    answer = law("+12055550123", now=saturday, **shop)
    assert until(answer) == at("2026-11-23T08:00", "America/Chicago")
    assert isinstance(answer, Deferred)
    assert answer.rule.startswith("AL closed America/Chicago (Ala. Code")
    short = law("+12055550123", now=saturday, max_defer=timedelta(hours=24), **shop)
    assert isinstance(short, Never)
    assert short.rule.startswith("AL closed America/Chicago")


@pytest.mark.parametrize(
    ("day", "clock", "allowed"),
    [("2026-11-20", "20:59", True), ("2026-11-20", "21:00", False),  # LivePerson's own end
     ("2026-11-20", "08:59", False), ("2026-11-21", "17:59", True), ("2026-11-21", "18:00", False)],
)  # fmt: skip
def test_canada(day: str, clock: str, allowed: bool) -> None:
    answer = law("+14165550123", store_zone="America/Toronto", region="ON", country="CA",
                 now=at(f"{day}T{clock}"))  # fmt: skip
    assert (answer == Allowed()) is allowed


def test_both_countries_count_over_the_border() -> None:
    # A number of Toronto at a shop in New York: 9:00 (Canada), not 8:00 (federal).
    assert until(law("+14165550123", now=at("2026-11-18T08:30"))) == at("2026-11-18T09:00")


def test_rules_that_leave_nothing_of_a_day_close_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from instore.window import _legal_day
    from instore.window_rules import Rule

    def rule(name: str, start: str, end: str) -> Rule:
        return window_rules._rule({"jurisdiction": name, "weekdays": "mon-sun", "from": start,
                                   "to": end, "source": "s", "checked": "2026-01-01",
                                   "verified": "yes"})  # fmt: skip

    day = _legal_day([rule("US", "08:00", "12:00"), rule("US-KY", "12:00", "21:00")])
    assert day.opens is None
    assert day.closed_by == "KY 12:00-21:00 (s) against federal 08:00-12:00 (s)"


def test_a_week_without_an_opening_never_opens() -> None:
    from instore.window import _Day, _next_opening

    week = (_Day(None, None, "XX closed (s)"),) * 7
    opening, rule = _next_opening("America/Chicago", week=week, instant=at("2026-11-18T12:00"))
    assert opening is None
    assert rule == "XX closed America/Chicago (s)"


# ------------------------------------------------------------------ the store's way in
def store(**changes: Any) -> Store:
    usual: dict[str, Any] = {
        "account": "a", "group": "1", "name": "n", "banner": "kay", "zone": "America/Chicago",
        "state": "TX", "postal_code": "75001", "openings": (), "associates": (), "managers": (),
    }  # fmt: skip
    return Store(**{**usual, **changes})


def test_check_window_takes_zone_and_state_from_the_store() -> None:
    sunday = at("2026-11-22T11:30", "America/Chicago")
    answer = check_window(
        phone=Phone("+12145550123"), store=store(), program_outreach=Outreach(), zone=None,
        postal_code=None, country="US", now=sunday,
    )  # fmt: skip
    assert isinstance(answer, Deferred)
    assert answer.until == at("2026-11-22T12:00", "America/Chicago")
    assert answer.rule.startswith("TX 12:00-21:00 America/Chicago")


def test_check_window_without_a_store_is_never() -> None:
    answer = check_window(
        phone=Phone(NEW_YORK), store=None, program_outreach=Outreach(), zone="America/New_York",
        postal_code=None, country="US", now=at("2026-11-18T12:00"),
    )  # fmt: skip
    assert answer == Never("the zone of the store is not known")


# ------------------------------------------------------------------ the data
@pytest.mark.parametrize(
    ("code", "regions", "has"),
    [
        ("212", ("NY",), {"America/New_York"}),
        ("219", ("IN",), {"America/Chicago", "America/Indiana/Winamac"}),
        ("270", ("KY",), {"America/Chicago", "America/New_York"}),
        ("364", ("KY",), {"America/Chicago", "America/New_York"}),
        ("729", ("TN",), {"America/Chicago", "America/New_York"}),
        ("423", ("TN",), {"America/Chicago", "America/New_York"}),
        ("850", ("FL",), {"America/Chicago", "America/New_York"}),
        ("308", ("NE",), {"America/Chicago", "America/Denver"}),
        ("605", ("SD",), {"America/Chicago", "America/Denver"}),
        ("701", ("ND",), {"America/Chicago", "America/Denver", "America/North_Dakota/Beulah"}),
        ("785", ("KS",), {"America/Chicago", "America/Denver"}),
        ("541", ("OR",), {"America/Los_Angeles", "America/Boise"}),
        ("915", ("TX",), {"America/Denver"}),
        ("907", ("AK",), {"America/Anchorage", "America/Adak"}),
        ("867", ("NT", "NU", "YT"),
         {"America/Whitehorse", "America/Edmonton", "America/Iqaluit", "America/Rankin_Inlet"}),
        ("671", ("GU",), {"Pacific/Guam"}), ("787", ("PR",), {"America/Puerto_Rico"}),
        ("876", (), {"America/Jamaica"}),
    ],
)  # fmt: skip
def test_area_codes(code: str, regions: tuple[str, ...], has: set[str]) -> None:
    place = place_of_area_code(code)
    assert place is not None
    assert place.regions == regions
    assert has <= set(place.zones)


@pytest.mark.parametrize("code", ["800", "888", "500", "900", "999", None])
def test_codes_that_are_no_place(code: str | None) -> None:
    assert place_of_area_code(code) is None


def test_every_row_of_the_data_is_usable() -> None:
    for code, place in window_rules._area_codes().items():
        assert len(code) == 3
        assert place.zones
        known = window_rules.regions_of(place.country)
        assert bool(known) == bool(place.regions)
        assert set(place.regions) <= set(known)
        assert set(place.zones) <= {z for r in place.regions for z in known[r]} or not known
    zones = {
        z for c in ("US", "CA") for names in window_rules.regions_of(c).values() for z in names
    }
    zones |= {z for place in window_rules._postal_codes().values() for z in place.zones}
    for zone in zones:
        assert ZoneInfo(zone).key == zone


def test_every_jurisdiction_has_a_source_and_a_date() -> None:
    rules = [rule for rules in window_rules.texting_hours().values() for rule in rules]
    assert len(rules) == 32
    assert all(rule.source and rule.checked.year >= 2026 for rule in rules)
    assert {rule.jurisdiction for rule in rules if rule.verified} == {"US", "US-FL", "US-WA"}


@pytest.mark.parametrize(
    ("code", "region", "zones"),
    [
        ("10001", "NY", {"America/New_York"}), ("06390", "NY", {"America/New_York"}),
        ("06510", "CT", {"America/New_York"}), ("79901", "TX", {"America/Chicago", "America/Denver"}),
        ("75001-1234", "TX", {"America/Chicago"}), ("32501", "FL", {"America/New_York", "America/Chicago"}),
        ("33101", "FL", {"America/New_York"}), ("37402", "TN", {"America/New_York", "America/Chicago"}),
        ("85001", "AZ", {"America/Phoenix"}), ("96799", "AS", {"Pacific/Pago_Pago"}),
        ("96910", "GU", {"Pacific/Guam"}), ("96950", "MP", {"Pacific/Saipan"}),
        ("M5V 2T6", "ON", {"America/Toronto"}), ("m5v2t6", "ON", {"America/Toronto"}),
        ("V6B", "BC", {"America/Vancouver"}), ("A1A 1A1", "NL", {"America/St_Johns"}),
    ],
)  # fmt: skip
def test_postal_codes(code: str, region: str, zones: set[str]) -> None:
    place = place_of_postal_code(code)
    assert place is not None
    assert region in place.regions
    assert set(place.zones) == zones


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (["US,mon-sat,08:00,21:00,s,2026-01-01,yes"], "every weekday once"),
        (["US,mon-sun,08:00,21:00,s,2026-01-01,yes", "US,sun,,,s,2026-01-01,yes"], "every weekday"),
        (["US,mon-sun,21:00,08:00,s,2026-01-01,yes"], "upside down"),
        (["US,mon-sun,08:00,,s,2026-01-01,yes"], "from and to, or neither"),
        (["US,mon-sun,08:00,21:00,,2026-01-01,yes"], "needs a source"),
        (["US,mon-sun,08:00,21:00,s,2026-01-01,maybe"], "verified yes or no"),
        (["US,someday,08:00,21:00,s,2026-01-01,yes"], "names no weekdays"),
        (["US-NY,mon-sun,08:00,21:00,s,2026-01-01,yes"], "no rule for US"),
        (["US,mon-sun,08:00,21:00,s,2026-01-01,yes",
          "US-XX,mon-sun,08:00,21:00,s,2026-01-01,yes"], "no such region"),
    ],
)  # fmt: skip
def test_a_rule_book_that_does_not_hold_together(
    monkeypatch: pytest.MonkeyPatch, lines: list[str], what: str
) -> None:
    names = ["jurisdiction", "weekdays", "from", "to", "source", "checked", "verified"]
    real = window_rules._rows

    def rows(name: str) -> Any:
        if name != "texting_hours.csv":
            return real(name)
        return iter(dict(zip(names, line.split(","), strict=True)) for line in lines)

    monkeypatch.setattr(window_rules, "_rows", rows)
    with pytest.raises(RulesError, match=what):
        window_rules.texting_hours.__wrapped__()


def test_a_check_is_quick() -> None:
    """Tens of microseconds; the bound is loose for a busy machine."""
    ask()
    ask("+15005550123")
    started = stopwatch.perf_counter()
    for _ in range(200):
        ask(LOS_ANGELES)
        ask("+15005550123")
    assert stopwatch.perf_counter() - started < 0.4
