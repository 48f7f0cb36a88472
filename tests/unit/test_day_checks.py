"""The checks of `make day`, held against a doctored day: each promise can be seen broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from local.day.checks import Broken, check_all, claimed_too_much
from local.day.evidence import Evidence, Letter, Person, Row, Text

# A Wednesday: 11:30 in New York, 08:30 in California.
NOON = datetime(2026, 11, 18, 16, 30, tzinfo=UTC)
ANA, BEN, CAL = "+12125550101", "+12125550102", "+12135550103"
KAY, ZALES = "+12125550100", "+12125550103"


def _row(ref: str, phone: str = ANA, **more: object) -> Row:
    row = Row(ref, ref[:8], "sam@kay.example.com", "kay", KAY, "America/New_York", "NY", "US",
              phone, "new-arrivals", NOON - timedelta(hours=2), "deferred",
              until=NOON - timedelta(minutes=30), final="delivered")  # fmt: skip
    return replace(row, **more)


def _text(ref: str, phone: str = ANA, *, at: datetime = NOON, sender: str = KAY) -> Text:
    return Text(at, phone, sender, f"Sam from Kay, ref {ref} here. Reply STOP.", "instore-1-0")


@pytest.fixture
def day() -> Evidence:
    """Two rows that went well, one that was blocked."""
    return Evidence(
        texts=[_text("a1-b00-r0"), _text("a1-b00-r1", BEN)],
        rows={"a1-b00-r0": _row("a1-b00-r0"), "a1-b00-r1": _row("a1-b00-r1", BEN),
              "a1-b00-r2": _row("a1-b00-r2", CAL, verdict="blocked", reason="no_consent",
                                until=None, final="blocked")},
        people={ANA: Person({"kay": "one_to_one"}), BEN: Person({"kay": "marketing"}),
                CAL: Person()},
        letters={"instore-1-0": Letter(NOON, ("a1-b00-r0", "a1-b00-r1"), "sender 0", True)},
        created={"instore-1-0": NOON},
        taken={"a1-b00-r0": ["instore-1-0"], "a1-b00-r1": ["instore-1-0"]},
        bot={("c1", 0): ["TRANSFER to Sam", "TRANSFER to Sam"]},
        answers={"a1-b00": ["[accepted]", "[accepted]"]},
    )  # fmt: skip


def test_a_good_day_breaks_nothing(day: Evidence) -> None:
    assert check_all(day) == []


def _twice(day: Evidence) -> None:
    day.texts.append(_text("a1-b00-r0", at=NOON + timedelta(minutes=5)))


def _taken_twice(day: Evidence) -> None:
    day.taken["a1-b00-r0"].append("instore-2-0")


def _too_early_for_the_shop(day: Evidence) -> None:
    day.texts[0] = _text("a1-b00-r0", at=NOON - timedelta(hours=1))


def _too_early_for_california(day: Evidence) -> None:
    day.rows["a1-b00-r0"].phone = CAL
    day.people[CAL].consents["kay"] = "one_to_one"
    day.texts[0] = _text("a1-b00-r0", CAL)


def _too_late_for_connecticut(day: Evidence) -> None:
    day.people[ANA].postal_code = "06101"
    day.window = "11:00", "23:00"
    day.texts[0] = _text("a1-b00-r0", at=datetime(2026, 11, 19, 1, 0, tzinfo=UTC))


def _never_agreed(day: Evidence) -> None:
    day.people[ANA].consents.clear()


def _agreed_to_another_banner(day: Evidence) -> None:
    day.people[ANA].consents = {"zales": "marketing"}


def _agreed_to_less(day: Evidence) -> None:
    day.rows["a1-b00-r0"].template = "sale"


def _was_out(day: Evidence) -> None:
    day.people[ANA].out_at = NOON - timedelta(seconds=1)


def _unheard(day: Evidence) -> None:
    day.people[BEN].asked_out_at = NOON


def _over_the_limit(day: Evidence) -> None:
    day.per_day = 1


def _two_associates(day: Evidence) -> None:
    ref = "a2-b00-r0"
    day.rows[ref] = _row(ref, login="zoe@zales.example.com", banner="zales", sender=ZALES)
    day.people[ANA].consents["zales"] = "one_to_one"
    day.texts.append(_text(ref, at=NOON + timedelta(hours=3), sender=ZALES))
    day.taken[ref] = ["instore-3-0"]


def _another_answer(day: Evidence) -> None:
    day.bot["c1", 0].append("TRANSFER to the skill")


def _another_verdict(day: Evidence) -> None:
    day.answers["a1-b00"].append("[blocked]")


def _never_ended(day: Evidence) -> None:
    day.rows["a1-b00-r0"].final = "unknown"


def _untrue_delivered(day: Evidence) -> None:
    del day.texts[0]


def _untrue_sent(day: Evidence) -> None:
    del day.texts[0], day.taken["a1-b00-r0"]
    day.rows["a1-b00-r0"].final = "sent"


def _untrue_failed(day: Evidence) -> None:
    day.rows["a1-b00-r0"].final = "failed"


def _blocked_went(day: Evidence) -> None:
    day.taken["a1-b00-r2"] = ["instore-1-0"]


def _nobody_asked(day: Evidence) -> None:
    day.texts[0] = replace(day.texts[0], sender=ZALES)


def _stuck(day: Evidence) -> None:
    day.stuck.append("OutreachQueue")


@pytest.mark.parametrize(("promise", "doctor"), [
    ("I4", _twice), ("I4", _taken_twice), ("I2", _too_early_for_the_shop),
    ("I2", _too_early_for_california), ("I2", _too_late_for_connecticut), ("I1", _never_agreed),
    ("I1", _agreed_to_another_banner), ("I1", _agreed_to_less), ("I9", _was_out),
    ("I9", _unheard), ("I3", _over_the_limit), ("I5", _two_associates), ("I6", _another_answer),
    ("I6", _another_verdict), ("I13", _never_ended), ("I13", _untrue_delivered),
    ("I13", _untrue_sent), ("I13", _untrue_failed), ("I13", _blocked_went),
    ("I13", _nobody_asked), ("I13", _stuck),
])  # fmt: skip
def test_a_broken_promise_is_reported_once_and_by_name(
    day: Evidence, promise: str, doctor: Callable[[Evidence], None]
) -> None:
    doctor(day)
    assert [one.promise for one in check_all(day)] == [promise]


def test_no_report_shows_a_number(day: Evidence) -> None:
    _twice(day)
    (found,) = check_all(day)
    assert found == Broken("I4", "row a1-b00-r0 reached a handset 2 times",
                           ("18 16:30:00 a1-b00-r0 instore-1-0",
                            "18 16:35:00 a1-b00-r0 instore-1-0"))  # fmt: skip


def test_a_text_in_the_air_is_not_after_the_opt_out(day: Evidence) -> None:
    day.people[ANA].out_at = NOON
    assert check_all(day) == []
    day.letters["instore-1-0"].left = NOON + timedelta(seconds=1)
    assert [one.promise for one in check_all(day)] == ["I9"]


def test_a_notice_is_held_to_the_opt_out(day: Evidence) -> None:
    day.people[ANA].out_at = NOON + timedelta(minutes=1)
    day.texts.append(Text(NOON + timedelta(minutes=2), ANA, KAY, "Sam is answering now.", "n-1"))
    assert [one.promise for one in check_all(day)] == ["I9"]


def test_a_lease_that_ended_with_a_conversation_frees_the_customer(day: Evidence) -> None:
    _two_associates(day)
    day.closed[ANA] = [NOON + timedelta(hours=2)]
    assert check_all(day) == []
    day.closed[ANA] = [NOON + timedelta(hours=4)]
    assert [one.promise for one in check_all(day)] == ["I5"]


def test_a_lease_that_ran_out_frees_the_customer(day: Evidence) -> None:
    _two_associates(day)
    day.lease_hours = 2.9
    assert check_all(day) == []


def test_what_only_a_lost_answer_would_have_told_is_counted_and_not_hidden(day: Evidence) -> None:
    _untrue_sent(day)
    assert claimed_too_much(day) == set()
    day.letters["instore-1-0"].answered = False
    assert claimed_too_much(day) == {"a1-b00-r0"}
    assert check_all(day) == []
    day.created.clear()  # the vendor never took that campaign: then nothing may stand as sent
    assert [one.promise for one in check_all(day)] == ["I13"]
