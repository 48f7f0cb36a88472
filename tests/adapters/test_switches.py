"""Kill switches and held numbers from the command line: one command each, with an undo."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from local import configure, switches
from local.samples import sample_document
from tests.outreach_rig import ACCOUNT, GROUP, LOGINS, Rig

from instore.adapters.number_health import NumberHealth
from instore.adapters.programs import Programs
from instore.adapters.table import Table
from instore.model import fold_login

KAY, OWNER = "+19295550100", "10000001"
DANA = "Anna@KAY.example.com"


@pytest.fixture
def rig(table: Table, clock: Any, monkeypatch: pytest.MonkeyPatch) -> Rig:
    monkeypatch.setattr(switches, "_now", clock.now)
    return Rig(table, clock)


@pytest.fixture
def run(rig: Rig, dynamodb: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*words: str) -> tuple[int, list[str]]:
        capsys.readouterr()
        code = configure.main([*words, "--table", rig.table.name], client=dynamodb)
        return code, capsys.readouterr().out.splitlines()

    return run


def stops(rig: Rig) -> dict[str, Any]:
    program = Programs(rig.table, now=rig.clock.now).current()
    told = program.stops.model_dump()
    return {name: value for name, value in told.items() if value}


@pytest.mark.parametrize(("words", "stored"), [
    (("all",), {"all": True}),
    (("banner", "kay"), {"banners": ["kay"]}),
    (("store", f"{ACCOUNT}/{GROUP}"), {"stores": [f"{ACCOUNT}/{GROUP}"]}),
    (("associate", DANA), {"associates": ["anna@kay.example.com"]}),
])  # fmt: skip
def test_stop_and_resume(rig: Rig, run: Any, words: tuple[str, ...], stored: Any) -> None:
    before = Programs(rig.table, now=rig.clock.now).read()["document"]
    code, out = run("stop", *words, "--note", "complaints")
    assert (code, out[-1]) == (0, "version 2 is in force; functions read it within 60 s")
    assert stops(rig) == stored
    _, listed = run("list")
    assert listed[1].endswith(f"stop {' '.join(words)}: complaints")
    assert run("stop", *words)[1] == ["version 2 already says exactly this; nothing to do"]
    code, out = run("resume", *words)
    assert (code, out[-1]) == (0, "version 3 is in force; functions read it within 60 s")
    assert stops(rig) == {}
    assert Programs(rig.table, now=rig.clock.now).read()["document"] == before


def test_one_switch_leaves_the_others(rig: Rig, run: Any) -> None:
    for words in (("banner", "kay"), ("banner", "zales"), ("all",)):
        run("stop", *words)
    code, out = run("resume", "banner", "kay")
    assert (code, out[-1]) == (0, "but everything is stopped (resume all)")
    run("resume", "all")
    assert stops(rig) == {"banners": ["zales"]}


def test_a_dry_run_stops_nothing(rig: Rig, run: Any) -> None:
    code, out = run("stop", "all", "--dry-run")
    assert (code, out[-1]) == (0, "dry run: version 2 was not stored")
    assert "+stops:" in out
    assert stops(rig) == {}


@pytest.mark.parametrize(("words", "told"), [
    (("stop", "banner", "kays"), "unknown_banner: there is no banner 'kays'"),
    (("stop", "store", "4100"), "unknown_store: there is no store '4100'"),
    (("stop", "store", "10000003/4100"), "unknown_store: there is no store '10000003/4100'"),
    (("stop", "associate", "nobody@kay.example.com"),
     "unknown_associate: there is no associate 'nobody@kay.example.com'"),
    (("stop", "banner"), "bad_switch: `stop banner` needs a name"),
    (("stop", "all", "kay"), "bad_switch: `stop all` takes no name"),
    (("resume", "banner", "kay"), "not_stopped: banner 'kay' is not stopped"),
    (("release-number", KAY), f"not_held: {KAY} is not held"),
    (("release-number", "+12125550199"), "unknown_number: no banner texts from +12125550199"),
])  # fmt: skip
def test_a_switch_that_would_do_nothing_is_refused(
    rig: Rig, run: Any, words: tuple[str, ...], told: str
) -> None:
    assert run(*words) == (1, [f"error: {told}"])
    assert len(Programs(rig.table, now=rig.clock.now).history()) == 1


def test_the_slower_of_two_is_refused(rig: Rig, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = switches.throw

    def overtaken(*args: Any, **more: Any) -> Any:
        document = inner(*args, **more)
        rig.apply(lambda d: d.update(stops={"all": True}))
        return document

    monkeypatch.setattr(switches, "throw", overtaken)
    code, out = run("stop", "banner", "kay")
    assert (code, out[-1]) == (
        1, "error: program_changed: version 1 is no longer the current one; look again")  # fmt: skip
    assert stops(rig) == {"all": True}, "the switch thrown meanwhile stands"


def test_a_file_written_before_a_switch_does_not_take_it_back(
    rig: Rig, run: Any, tmp_path: Path
) -> None:
    file = tmp_path / "program.yaml"
    document = sample_document("in_store")
    document["language"] = "fr"
    file.write_text(yaml.safe_dump(document))
    for words in (("banner", "kay"), ("associate", DANA), ("all",)):
        run("stop", *words)
    kept = stops(rig)
    code, out = run("apply", str(file))
    assert (code, out[-1]) == (1, (
        "error: would_resume: stopped, but not in this file: banner kay, associate "
        f"{LOGINS['201']}, all; resume first, or write it under `stops`"))  # fmt: skip
    assert stops(rig) == kept
    document["stops"] = {"all": True, "banners": ["kay"], "associates": [DANA]}
    file.write_text(yaml.safe_dump(document))
    assert run("apply", str(file))[0] == 0
    assert stops(rig) == kept


def test_what_stays_stopped_after_a_resume_is_told(rig: Rig, run: Any) -> None:
    stopped = {"banners": ["kay"], "stores": [GROUP, f"{ACCOUNT}/{GROUP}"]}

    def change(document: dict[str, Any]) -> None:
        document["banners"][0]["stopped"] = True
        document["stops"] = stopped

    rig.apply(change)
    _, out = run("resume", "banner", "kay")
    assert out[-1] == (
        "but banner kay says `stopped: true` in the program itself (apply a corrected one)"
    )
    _, out = run("resume", "store", f"{ACCOUNT}/{GROUP}")
    assert out[-1] == f"but every store {GROUP} is stopped, whatever its account"
    assert run("status")[1][1:] == [
        f"stopped: store {GROUP}", "stopped: banner kay (in the program itself)",
        "no number is held"]  # fmt: skip


def test_a_held_number_is_shown_and_released(rig: Rig, run: Any) -> None:
    assert run("status")[1][1:] == ["nothing is stopped", "no number is held"]
    run("stop", "associate", DANA)
    run("stop", "all")
    numbers, now = NumberHealth(rig.table), rig.clock.now()
    free = numbers.hold_of(OWNER, number=KAY)
    numbers.hold(free, account=OWNER, run=20, now=now, until=now + timedelta(hours=12))
    code, out = run("status")
    assert code == 0
    assert out[0].startswith("version 3 of 2026-11-")
    assert out[1:] == [
        "stopped: associate anna@kay.example.com", "stopped: all",
        f"held: {KAY} (kay) since 2026-11-18T17:00:00.000Z until 2026-11-19 05:00 UTC: "
        "20 texts or more filtered in a row"]  # fmt: skip
    assert run("release-number", KAY, "--dry-run")[1] == [
        f"dry run: {KAY} stays held until 2026-11-19 05:00 UTC"]  # fmt: skip
    assert numbers.hold_of(OWNER, number=KAY).stops(now)
    code, out = run("release-number", KAY, "--note", "carrier lifted it")
    assert (code, out) == (
        0, [f"{KAY} is free; texts kept back for it go within the hour, if they still may"])  # fmt: skip
    assert not numbers.hold_of(OWNER, number=KAY).stops(now)
    item = rig.table.get(f"NUMBER#{OWNER}#{KAY}", "NUMBER")
    assert item is not None
    assert item["note"] == "carrier lifted it"
    assert run("status")[1][-1] == "no number is held"


def test_a_release_that_was_overtaken_says_so(
    rig: Rig, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers, now = NumberHealth(rig.table), rig.clock.now()
    free = numbers.hold_of(OWNER, number=KAY)
    numbers.hold(free, account=OWNER, run=20, now=now, until=now + timedelta(hours=12))
    monkeypatch.setattr(NumberHealth, "release", lambda *_, **__: False)
    assert run("release-number", KAY) == (
        1, [f"error: number_changed: {KAY} has changed meanwhile; look again"])  # fmt: skip


def test_logins_are_the_same_in_any_case() -> None:
    document = switches.switched({"stops": {"associates": [LOGINS["201"]]}}, kind="associate",
                                 name=DANA, stop=False)  # fmt: skip
    assert document == {}
    assert fold_login(DANA) == LOGINS["201"]
