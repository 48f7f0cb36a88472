"""SnapStart: what is ready before the snapshot, and what must not be in it."""

from __future__ import annotations

import builtins
import importlib.util
import sys
from typing import Any

import pytest
import snapshot_restore_py as hooks
from local.template import ROOT, read_template, resources_of

from instore.runtime import snapshot
from instore.runtime.services import Services, using
from instore.runtime.settings import Settings

FUNCTIONS = resources_of(read_template(), "AWS::Serverless::Function")


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    monkeypatch.setattr(hooks, "register_before_snapshot", lambda *call: found.append(call))
    return found


def test_parts_are_built_and_modules_imported_before_the_snapshot(
    registered: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot.ready("table", "queues", modules=("colorsys",))
    ((prepare, parts, modules),) = registered
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    house = Services(Settings(table_name="t"))
    with using(house):
        prepare(parts, modules)
    assert {"table", "queues"} <= set(vars(house))
    assert "colorsys" in sys.modules


def test_elsewhere_nothing_is_prepared(
    registered: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "snapshot_restore_py":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    snapshot.ready("table")
    assert registered == []


def test_functions_that_somebody_waits_for_start_from_snapshots() -> None:
    waited_for = {name for name, function in FUNCTIONS.items()
                  if any(e["Type"] == "HttpApi" for e in function["Properties"]["Events"].values())}  # fmt: skip
    with_snapshots = {n for n, f in FUNCTIONS.items() if "SnapStart" in f["Properties"]}
    assert waited_for == with_snapshots
    assert waited_for == {
        "RoutingBot", "PlatformEvents", "OutreachApi", "RelayNumbers", "CustomerData",
        "SmsWebhook", "IvrDeflection", "ServiceRequests", "Kpis",
    }  # fmt: skip
    for name in with_snapshots:
        properties = FUNCTIONS[name]["Properties"]
        assert properties["SnapStart"] == {"ApplyOn": "PublishedVersions"}
        assert properties["AutoPublishAlias"] == "live"


# A snapshot is shared by all that are restored from it: nothing secret or dated may be in it.
SAFE = {"table", "secrets", "queues"}


def test_no_secret_and_no_program_is_in_a_snapshot(registered: list[tuple[Any, ...]]) -> None:
    names = ("routing_bot", "platform_events", "outreach_api", "sms_webhook")
    for name in names:
        path = ROOT / "functions" / name / "app.py"
        spec = importlib.util.spec_from_file_location(f"snapshot_{name}", path)
        assert spec is not None
        assert spec.loader is not None
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert len(registered) == len(names)
    assert {part for _, parts, _ in registered for part in parts} <= SAFE
