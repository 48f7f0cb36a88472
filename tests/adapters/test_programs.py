"""The program in the table: versions, history, roll back, and the tool that does it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from local import configure

from instore.adapters.programs import Programs
from instore.adapters.table import Table
from instore.errors import ConflictError, NotFoundError, ProgramError, UnavailableError

PROGRAMS = Path(__file__).parents[2] / "local" / "programs"
IN_STORE = str(PROGRAMS / "in_store.yaml")


@pytest.fixture
def programs(table: Table, clock: Any) -> Programs:
    return Programs(table, now=clock.now)


@pytest.fixture
def document() -> Any:
    from local.yaml_lines import read_with_lines

    return json.loads(json.dumps(read_with_lines(Path(IN_STORE).read_text())[0], default=str))


def test_without_a_program_nothing_is_decided(programs: Programs) -> None:
    with pytest.raises(UnavailableError) as caught:
        programs.current()
    assert caught.value.public_code == "no_program"


def test_apply_keeps_history_and_refuses_the_slower_of_two(
    programs: Programs, document: Any
) -> None:
    assert programs.apply(document, seen=0, who="ana") == 1
    with pytest.raises(ConflictError) as caught:
        programs.apply(document, seen=0, who="ben")
    assert caught.value.public_code == "program_changed"
    document["outreach"]["per_associate_day"] = 50
    assert programs.apply(document, seen=1, who="ben", note="halved") == 2
    assert [(v["version"], v["who"]) for v in programs.history()] == [(1, "ana"), (2, "ben")]
    assert programs.read()["version"] == 2
    assert json.loads(programs.read(1)["document"])["outreach"]["per_associate_day"] == 100


def test_a_wrong_program_is_not_stored(programs: Programs, document: Any) -> None:
    document["banners"][0]["account"] = "nowhere"
    with pytest.raises(ProgramError):
        programs.apply(document, seen=0, who="ana")
    assert programs.history() == []
    with pytest.raises(NotFoundError):
        programs.read()


def test_functions_read_it_once_a_minute(
    programs: Programs, document: Any, clock: Any, requests_made: list[Any]
) -> None:
    programs.apply(document, seen=0, who="ana")
    del requests_made[:]
    first = programs.current()
    assert programs.version == 1
    clock.advance(59)
    assert programs.current() is first
    assert len(requests_made) == 1
    clock.advance(2)
    assert programs.current() is first  # same version: not parsed again
    assert [call[1] for call in requests_made] == ["GetItem", "GetItem"]
    document["language"] = "fr"
    programs.apply(document, seen=1, who="ana")
    assert programs.current().language == "fr"


def run(capsys: Any, table: Table, dynamodb: Any, *words: str) -> tuple[int, str]:
    where = [] if words[0] in ("check", "schema") else ["--table", table.name]
    code = configure.main([*words, *where], client=dynamodb)
    return code, capsys.readouterr().out


def test_the_tool_checks_applies_lists_and_rolls_back(
    table: Table, dynamodb: Any, capsys: Any, tmp_path: Path
) -> None:
    assert run(capsys, table, dynamodb, "list") == (0, "no program is applied to this table yet\n")
    code, out = run(capsys, table, dynamodb, "apply", IN_STORE, "--dry-run")
    assert (code, out.splitlines()[-1]) == (0, "dry run: version 1 was not stored")
    code, out = run(capsys, table, dynamodb, "apply", IN_STORE)
    assert (code, out.splitlines()[-1]) == (
        0,
        "version 1 is in force; functions read it within 60 s",
    )
    code, out = run(capsys, table, dynamodb, "apply", IN_STORE)
    assert out.splitlines()[-1] == "version 1 already says exactly this; nothing to do"
    changed = tmp_path / "program.yaml"
    changed.write_text(
        Path(IN_STORE).read_text().replace("per_associate_day: 100", "per_associate_day: 80")
    )
    code, out = run(capsys, table, dynamodb, "apply", str(changed), "--note", "eighty")
    assert "-  per_associate_day: 100\n+  per_associate_day: 80" in out
    code, out = run(capsys, table, dynamodb, "rollback", "1")
    assert (code, out.splitlines()[-1]) == (
        0,
        "version 3 is in force; functions read it within 60 s",
    )
    code, out = run(capsys, table, dynamodb, "show")
    assert "per_associate_day: 100" in out
    code, out = run(capsys, table, dynamodb, "show", "--version", "2")
    assert "per_associate_day: 80" in out
    code, out = run(capsys, table, dynamodb, "list")
    assert [line[:6].split()[-1] for line in out.splitlines()] == ["1", "2", "3"]
    assert out.splitlines()[2].startswith("*    3")
    assert out.splitlines()[2].endswith("rolled back to version 1")
    assert run(capsys, table, dynamodb, "rollback", "9") == (
        1, "error: unknown_version: no such version of the program\n")  # fmt: skip


def test_the_tool_points_at_the_line(
    table: Table, dynamodb: Any, capsys: Any, tmp_path: Path
) -> None:
    text = Path(IN_STORE).read_text().replace('"+12125550101"', '"+18005550101"')
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace('account: "10000003"', 'account: "9"', 1))
    line = 1 + text.splitlines().index('    number: {strategy: shared, outbound: "+18005550101"}')
    code, out = run(capsys, table, dynamodb, "check", str(wrong))
    assert code == 1
    assert f"error: banners[1].number.outbound (line {line}): toll-free numbers cannot be" in out
    assert out.endswith("1 problem(s); nothing was applied\n")
    code, out = run(capsys, table, dynamodb, "apply", str(tmp_path / "absent.yaml"))
    assert (code, out.startswith("error: [Errno 2]")) == (1, True)
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: [")
    code, out = run(capsys, table, dynamodb, "check", str(broken))
    assert (code, "line 1" in out) == (1, True)


def test_the_schema_for_editors_is_current(table: Table, dynamodb: Any, capsys: Any) -> None:
    code, out = run(capsys, table, dynamodb, "schema")
    assert code == 0
    kept = Path(__file__).parents[2] / "docs" / "program.schema.json"
    assert kept.read_text() == out, "run: make schema"
