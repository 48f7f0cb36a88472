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
    assert requests_made[0][2]["ConsistentRead"] is True  # a switch counts from when it is thrown
    clock.advance(2)
    assert programs.current() is first  # same version: not parsed again
    assert [call[1] for call in requests_made] == ["GetItem", "GetItem"]
    document["language"] = "fr"
    programs.apply(document, seen=1, who="ana")
    assert programs.current().language == "fr"


def test_while_the_table_is_away_only_answers_go_on(
    programs: Programs, table: Table, document: Any, clock: Any
) -> None:
    programs.apply(document, seen=0, who="ana")
    held = programs.current()
    inner, asked = table._call, []

    def away(operation: str, **_: Any) -> Any:
        asked.append(operation)
        raise UnavailableError("the table is throttled or away")

    table._call = away
    clock.advance(61)
    for seconds in (0, 4.9, 0.2):
        clock.advance(seconds)
        assert programs.at_hand() is held
    assert asked == ["get_item", "get_item"]
    with pytest.raises(UnavailableError) as caught:
        programs.current()  # a kill switch may have been thrown meanwhile
    assert caught.value.public_code == "unavailable"
    with pytest.raises(UnavailableError):
        Programs(table, now=clock.now).at_hand()
    table._call = inner
    document["language"] = "fr"
    Programs(table, now=clock.now).apply(document, seen=1, who="ben")
    clock.advance(5)
    assert (programs.at_hand().language, programs.version) == ("fr", 2)


@pytest.mark.parametrize("stored", ['{"schema_version": 2}', "{", "[]"])
def test_a_stored_program_that_does_not_validate_is_no_program(
    programs: Programs, table: Table, document: Any, clock: Any, stored: str
) -> None:
    programs.apply(document, seen=0, who="ana")
    held = programs.current()
    table.put({"pk": "PROGRAM", "sk": "CURRENT", "version": 2, "document": stored})
    clock.advance(61)
    assert programs.at_hand() is held
    with pytest.raises(UnavailableError) as caught:
        programs.current()
    assert caught.value.public_code == "program_invalid_stored"
    assert caught.value.message == "the stored program does not validate"
    table.delete("PROGRAM", "CURRENT")
    clock.advance(5)
    with pytest.raises(UnavailableError) as caught:
        programs.at_hand()
    assert caught.value.public_code == "no_program"


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


def test_a_secret_that_the_stack_would_look_for_elsewhere_is_refused(
    table: Table, dynamodb: Any, capsys: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    described = {"Outputs": [{"OutputKey": "TableName", "OutputValue": table.name}],
                 "Parameters": [{"ParameterKey": "SecretPrefix", "ParameterValue": "instore/"}]}  # fmt: skip
    monkeypatch.setattr(configure, "_described", lambda _: described)
    wrong, line = changed(tmp_path, "secret: instore/twilio/ac0de1f2a3b4c5d6e7f8091a2b3c4d5e6f",
                          "secret: foo/twilio/ac0de1f2a3b4c5d6e7f8091a2b3c4d5e6f")  # fmt: skip
    applied = ["apply", wrong, "--stack", "instore-dev", "--dry-run"]
    assert configure.main(applied, client=dynamodb) == 1
    assert f"error: line.secret (line {line}): must be instore/twilio/ac0de1" in (
        capsys.readouterr().out)  # fmt: skip
    described["Parameters"][0]["ParameterValue"] = "foo/"
    assert configure.main(applied, client=dynamodb) == 1
    assert "error: accounts[0].secret (line 9): must be foo/lp/10000001" in capsys.readouterr().out
    for stacks_parameters in ([], [{"ParameterKey": "SecretPrefix", "ParameterValue": "instore/"}]):
        described["Parameters"] = stacks_parameters
        applied[1] = IN_STORE
        assert configure.main(applied, client=dynamodb) == 0


@pytest.mark.parametrize("command", ["check", "apply"])
def test_a_number_of_two_banners_is_refused_from_a_file_and_only_from_one(
    table: Table, dynamodb: Any, capsys: Any, tmp_path: Path, programs: Programs, document: Any,
    command: str,
) -> None:  # fmt: skip
    """A program in force from before still loads, and stops."""
    wrong, line = changed(tmp_path, 'number: {strategy: shared, outbound: "+12125550102"}',
                          'number: {strategy: shared, outbound: "+12125550101"}')  # fmt: skip
    code, out = run(capsys, table, dynamodb, command, wrong)
    assert (code, f"error: banners[2].number.outbound (line {line}): is also" in out) == (1, True)
    document["banners"][2]["number"]["outbound"] = "+12125550101"
    programs.apply(document, seen=0, who="ana")
    assert run(capsys, table, dynamodb, "stop", "all")[0] == 0


def changed(tmp_path: Path, old: str, new: str) -> tuple[str, int]:
    """A copy of the sample with one line changed; its path and that line's number."""
    lines = Path(IN_STORE).read_text().splitlines()
    number = next(n for n, line in enumerate(lines) if line.strip() == old)
    lines[number] = lines[number].replace(old, new)
    copy = tmp_path / "changed.yaml"
    copy.write_text("\n".join(lines) + "\n")
    return str(copy), number + 1


@pytest.mark.parametrize(("old", "new", "path", "what"), [
    ('associate_window: {from: "11:00", to: "20:00"}', "associate_window: {from: 11:00, to: 20:00}",
     "outreach.associate_window.from", 'write a time of day in quotes, like "11:00"'),
    ('associate_window: {from: "11:00", to: "20:00"}',
     'associate_window: {from: "20:00", to: "11:00"}',
     "outreach.associate_window", "hours upside down: 20:00 is not before 11:00"),
    ("steps: [associate, least_loaded_peer, manager, skill]",
     "steps: [associate, least_loaded_peer, manager]", "routing.steps",
     "cannot end: the last step must be skill or wait_for_associate, not manager"),
])  # fmt: skip
def test_what_all_banners_inherit_is_told_once_and_where_it_stands(
    table: Table,
    dynamodb: Any,
    capsys: Any,
    tmp_path: Path,
    old: str,
    new: str,
    path: str,
    what: str,
) -> None:
    file, line = changed(tmp_path, old, new)
    code, out = run(capsys, table, dynamodb, "check", file)
    assert code == 1
    assert out.splitlines().count(f"error: {path} (line {line}): {what}") == 1
    assert "banners[" not in out


def test_a_key_that_stands_twice_is_refused(
    table: Table, dynamodb: Any, capsys: Any, tmp_path: Path
) -> None:
    file, line = changed(tmp_path, "label: Jared", "label: Jared\n    label: Jared the Second")
    code, out = run(capsys, table, dynamodb, "check", file)
    assert (code, f"'label' is there twice\n  in \"{file}\", line {line + 1}" in out) == (1, True)
    (tmp_path / "latin").write_bytes("name: caf\xe9".encode("latin-1"))
    assert run(capsys, table, dynamodb, "check", str(tmp_path / "latin"))[0] == 1


def test_the_schema_for_editors_is_current(table: Table, dynamodb: Any, capsys: Any) -> None:
    code, out = run(capsys, table, dynamodb, "schema")
    assert code == 0
    kept = Path(__file__).parents[2] / "docs" / "program.schema.json"
    assert kept.read_text() == out, "run: make schema"
