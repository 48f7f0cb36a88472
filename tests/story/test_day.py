"""A small selling day with everything going wrong: nobody is texted wrongly, nothing is lost.

And the day can fail: with the product broken on purpose, the handsets show it.
"""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from local.day import __main__ as day_command
from local.day import plan
from local.day.__main__ import Outcome, main, read_settings, run_day
from local.day.evidence import REF, Evidence
from local.day.plan import Settings

from instore import outreach, outreach_send
from instore.window import Allowed

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]

BAD = Settings(scale=Fraction(1, 4000), seed=4, faults="storm", kills=0.01, repeats=0.1)
CALM = Settings(scale=Fraction(1, 8000), seed=5, faults="none", kills=0.0, repeats=0.0)


def quiet(_line: str) -> None:
    return None


@pytest.fixture(scope="module")
def bad_day() -> Outcome:
    return run_day(BAD, progress=quiet)


def test_a_bad_day_breaks_no_promise(bad_day: Outcome) -> None:
    assert bad_day.broken == []


def test_the_bad_day_was_bad_and_went_on(bad_day: Outcome) -> None:
    found = bad_day.figures
    assert found["kills"]["ProactiveBatch"] > 0
    assert len(found["kills"]) >= 5, "nearly every function died somewhere"
    assert {"latency", "status", "duplicate"} <= set(found["faults_met"])
    assert set(found["duplicates"]) == {"queue message twice", "delivered again"}
    assert found["asked"] == len(bad_day.evidence.rows) >= 400
    assert found["reached"] > 0.5 * found["asked"]
    assert found["conversations"] > 5
    assert {"accepted", "deferred", "blocked"} == set(found["verdicts"])
    assert {"no_consent", "opted_out"} <= set(found["blocked_when_asked"])
    assert found["unknown_left"] < 0.2 * found["asked"]
    assert found["per_recipient"]["outreach"]["write_units"] < 6


def handsets(evidence: Evidence) -> list[tuple[str, str, str, str, int]]:
    """The handset log. Names of campaigns are drawn anew in each run: they are numbered here."""
    names: dict[str, int] = {}
    return [(text.at.isoformat(), text.phone, text.sender, text.body,
             names.setdefault(text.campaign, len(names))) for text in evidence.texts]  # fmt: skip


def test_the_same_seed_gives_the_same_handset_log(bad_day: Outcome) -> None:
    again = run_day(BAD, progress=quiet)
    assert handsets(again.evidence) == handsets(bad_day.evidence)
    assert [vars_of(row) for row in again.evidence.rows.values()] == [
        vars_of(row) for row in bad_day.evidence.rows.values()]  # fmt: skip
    same = ("verdicts", "ends", "kills", "faults_met", "wait_s", "per_recipient", "vendor_calls")
    assert {k: again.figures[k] for k in same} == {k: bad_day.figures[k] for k in same}


def vars_of(row: object) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in ("ref", "verdict", "reason", "until", "final"))


# ------------------------------------------------------------------ it can fail


def promises(outcome: Outcome) -> Counter[str]:
    return Counter(one.promise for one in outcome.broken)


def test_a_product_that_forgets_the_window_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outreach, "check_window", lambda **_: Allowed())
    found = promises(run_day(CALM, progress=quiet))
    assert set(found) == {"I2"}
    assert found["I2"] > 10


def test_a_product_that_does_not_look_twice_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outreach_send, "look_again", lambda batch, _customers, means: batch)
    monkeypatch.setitem(plan.KINDS, "out by the counter", 60.0)
    found = promises(run_day(CALM, progress=quiet))
    assert found["I9"] > 0


def test_the_command_says_the_seed_and_the_events_and_exits_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(outreach, "check_window", lambda **_: Allowed())
    monkeypatch.setattr(day_command, "BUILD", tmp_path)
    arguments = ["--scale", "1/8000", "--seed", "5", "--faults", "none", "--kills", "0"]
    assert main(arguments) == 1
    said = capsys.readouterr()
    assert "seed 5; the first:" in said.err
    assert "I2: texted outside the window (" in said.err
    assert "I2 texted outside the window" in said.out
    written = json.loads((tmp_path / "day.json").read_text())
    assert written["seed"] == 5
    assert written["broken"]["I2"] > 0
    assert (tmp_path / "day.svg").read_text().startswith("<svg")
    assert "unknown left" in (tmp_path / "day.txt").read_text()
    for text in (said.out, said.err, (tmp_path / "day.json").read_text()):
        assert "+1" not in text, "a number was told"


def test_arguments() -> None:
    read = read_settings(["--scale", "1/1000", "--seed", "3", "--rate", "0.6", "--minutes", "30"])
    assert read == Settings(scale=Fraction(1, 1000), seed=3, rate=0.6, minutes=30)
    with pytest.raises(SystemExit):
        read_settings(["--scale", "2"])
    assert REF.findall("Kay, ref a00001-b00-r9 here.") == ["a00001-b00-r9"]
