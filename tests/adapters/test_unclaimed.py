"""The list of texts that nobody could be given, as the command shows it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from local import unclaimed

from instore.adapters.table import Table
from instore.adapters.unclaimed import Unclaimed
from instore.thread import read_text

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST, SECOND, THIRD = (f"SM{n:032}" for n in (1, 2, 3))


def keep(table: Table, sid: str, *, days: int = 0, **more: str) -> None:
    at = NOW - timedelta(days=days)
    fields = {"MessageSid": sid, "From": "+12125550123", "To": "+12125550199", "Body": "Hello?"}
    assert Unclaimed(table).keep(read_text({**fields, **more}, at=at), customer=None, now=at)


def run(table: Table, dynamodb: Any, *words: str) -> int:
    command, *rest = words
    return unclaimed.main([command, "--table", table.name, *rest], now=NOW,
                          clients=lambda _: dynamodb)  # fmt: skip


def test_they_are_listed_oldest_first_over_three_months_and_settled(
    table: Table, dynamodb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(table, FIRST, days=0, MediaUrl0="https://api.twilio.com/x")
    keep(table, SECOND, days=28, Body="")
    keep(table, THIRD, days=59, Body="one\ntwo", From="72345")
    assert run(table, dynamodb, "list") == 0
    assert capsys.readouterr().out.splitlines() == [
        f"2026-01-01T12:00:00.000Z  72345 -> +12125550199  {THIRD}", "    one", "    two",
        f"2026-02-01T12:00:00.000Z  +12125550123 -> +12125550199  {SECOND}",
        f"2026-03-01T12:00:00.000Z  +12125550123 -> +12125550199  {FIRST}", "    Hello?",
        "    https://api.twilio.com/x", "3 text(s) nobody was given",
    ]  # fmt: skip
    assert run(table, dynamodb, "done", FIRST, "SM9") == 1
    assert capsys.readouterr().out.splitlines() == [f"{FIRST}: done", "SM9: not there"]
    assert run(table, dynamodb, "done", SECOND) == 0
    assert [item["sk"] for item in Unclaimed(table).waiting(now=NOW)] == [THIRD]


def test_an_erased_one_says_so(
    table: Table, dynamodb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(table, FIRST)
    (item,) = Unclaimed(table).waiting(now=NOW)
    table.put({k: v for k, v in item.items() if k not in ("sender", "body")})
    run(table, dynamodb, "list")
    assert f"  - -> +12125550199  {FIRST}\n    (erased)\n" in capsys.readouterr().out


def test_without_a_place_or_a_table_it_says_what_is_wrong(
    table: Table, dynamodb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        unclaimed.main(["list"])
    assert unclaimed.main(["list", "--table", "none"], clients=lambda _: dynamodb) == 1
    assert "error" in capsys.readouterr().out
