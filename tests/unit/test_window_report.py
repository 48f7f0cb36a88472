"""`python -m local.window_report`: support asks why, and reads the rule and its source."""

from __future__ import annotations

import pytest
from local.window_report import main

NEW_YORK = ["--store-zone", "America/New_York", "--store-state", "NY"]


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    code = main([*arguments, "--at", "2026-11-18T11:30-05:00"])
    return code, capsys.readouterr().out.splitlines()


def test_a_western_number_at_an_eastern_store(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = report(capsys, "+13105550123", *NEW_YORK)
    assert code == 1
    assert lines == [
        "at         Wed 2026-11-18 16:30 UTC",
        "answer     later, at Wed 2026-11-18 17:00 UTC",
        "opened by  CA 09:00-21:00 America/Los_Angeles "
        "(Cal. Pub. Util. Code 2872(c) (vendor table); not verified)",
        "clocks     all of these must be inside the hours",
        "           Wed 2026-11-18 08:30 America/Los_Angeles",
        "           Wed 2026-11-18 11:30 America/New_York",
        "shop       11:00-20:00 by Wed 2026-11-18 11:30 America/New_York",
        "vendor     LivePerson sends from 08:00 to 21:00 where the number is at home",
        "           Wed 2026-11-18 08:30 America/Los_Angeles",
        "rules      all of these must allow",
        "           federal 08:00-21:00 MTWTFSS  47 CFR 64.1200(c)(1); checked 2026-11-21",
        "           CA 09:00-21:00 MTWTFSS  Cal. Pub. Util. Code 2872(c) (vendor table); "
        "not verified; checked 2026-11-21",
    ]


def test_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = report(capsys, "2125550123", *NEW_YORK)
    assert (code, lines[1]) == (0, "answer     allowed")


def test_the_store_has_not_opened(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = report(capsys, "2125550123", *NEW_YORK, "--hours", "12:00-20:00")
    assert code == 1
    assert lines[2] == "opened by  associate_window 12:00-20:00 America/New_York"
    assert report(capsys, "2125550123", *NEW_YORK, "--hours", "none")[0] == 0


def test_what_the_customer_told_counts(capsys: pytest.CaptureFixture[str]) -> None:
    told = ["--hours", "none", "--postal-code", "99723"]
    code, lines = report(capsys, "2125550123", *NEW_YORK, *told)
    assert (code, lines[1]) == (1, "answer     later, at Wed 2026-11-18 18:00 UTC")
    clocks = lines[lines.index("clocks     all of these must be inside the hours") + 1 :]
    vendor = next(n for n, line in enumerate(clocks) if line.startswith("vendor"))
    assert not any("America/New_York" in line for line in clocks[:vendor])
    told = ["--hours", "none", "--zone", "America/Chicago"]
    assert report(capsys, "+13105550123", *NEW_YORK, *told)[0] == 0


def test_never_says_why_and_names_no_clocks(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = report(capsys, "+18765550123", *NEW_YORK)
    assert code == 1
    assert lines[1:] == ["answer     never, within the longest deferral",
                         "decided by no texting hours are known for JM"]  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [["12"], ["2125550123", "--at", "2026-11-18T11:30"], ["2125550123", "--at", "noon"],
     ["2125550123", "--hours", "20:00-11:00"]],
)  # fmt: skip
def test_wrong_use(capsys: pytest.CaptureFixture[str], wrong: list[str]) -> None:
    assert main([*wrong, *NEW_YORK]) == 2
    assert capsys.readouterr().err.startswith("wrong use: ")


def test_without_an_instant_it_is_now(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["+18765550123", *NEW_YORK]) == 1
    assert capsys.readouterr().out.startswith("at         ")
