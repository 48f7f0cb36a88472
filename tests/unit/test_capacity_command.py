"""`make capacity`: what it prints and draws, and that it refuses what cannot be a load by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from local.capacity.__main__ import main


def test_the_command_prints_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load = tmp_path / "slow.yaml"
    load.write_text("sends: 1000\nzones: {America/Chicago: 1}\n")
    out = tmp_path / "plots" / "p.svg"
    assert main(["--load", str(load), "--out", str(out), "--associates", "20"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Load `slow`: 1,000 texts a day by 20 associates, 6% replies = 60 ")
    assert out.read_text().startswith("<svg")


def test_bad_input_ends_with_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limit = tmp_path / "l.yaml"
    limit.write_text("no_such: 3\n")
    assert main(["--limits", str(limit)]) == 2
    assert "no such limit: no_such" in capsys.readouterr().err
    assert main(["--program", str(tmp_path / "missing.yaml")]) == 2
    assert "missing.yaml" in capsys.readouterr().err
    load = tmp_path / "bad.yaml"
    for words, said in (
        ("sends: -1", "sends: Input should be greater than 0"),
        ("sends: .nan", "sends: Input should be a finite number"),
        ("sends: .inf", "sends: Input should be a finite number"),
        ("sends: 1e12", "sends: Input should be less than or equal to 1000000000"),
        ("routing_s: -1", "routing_s: Input should be greater than or equal to 0"),
        ("bot_messages: .nan", "bot_messages: Input should be a finite number"),
        ("zones: {Nowhere/X: 1}", "load: zones: 'Nowhere/X' is not an IANA time zone"),
        ("- 1", "bad.yaml has to be names with their values"),
        ("banner_shares: {kays: 1}", "banner_shares: no such banner: kays"),
    ):  # fmt: skip
        load.write_text(f"{words}\n")
        assert main(["--load", str(load)]) == 2
        assert capsys.readouterr().err == f"capacity: {said}\n"
    limit.write_text("brands: 0\n")
    assert main(["--limits", str(limit)]) == 2
    assert capsys.readouterr().err == "capacity: brands: 0 is no number above 0\n"
