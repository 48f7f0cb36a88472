"""Which permissions were needed: kept over a whole test run, to prove that each one is.

When the environment names a folder (`INSTORE_PERMISSIONS`), every local stack and every recorded
handler writes there which call each function made and which part of its role allowed it;
tests/template/test_policies.py reads it: nothing denied, nothing left unused.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from .lock import watching_everything
from .policy import Role, Use, partition_keys, role_of
from .rendering import Rendered, render
from .template import ROOT
from .watch import IS_IT_THERE, Call, Watch

FOLDER = "INSTORE_PERMISSIONS"
_TESTS, _LAYERS = str(ROOT / "tests") + os.sep, str(ROOT / "layers") + os.sep


@dataclass(frozen=True, slots=True)
class Needed:
    """What one function needed in the whole run."""

    uses: frozenset[Use]
    denied: frozenset[str]


def keep(function: str, calls: Iterable[Call]) -> None:
    """Write what the calls needed into the run's folder, if there is one."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return
    uses: set[Use] = set()
    denied: set[str] = set()
    for call in calls:
        uses |= call.verdict.uses
        if call.operation == IS_IT_THERE:
            continue  # asked by S3 itself, to choose between its 404 and its 403
        denied |= {f"{one.action} on {one.resource} with {_kinds(one.leading_keys or ())}"
                   for one in call.verdict.denied}  # fmt: skip
    if uses or denied:
        line = {"function": function, "denied": sorted(denied),
                "uses": sorted([one.statement, one.kind, one.pattern] for one in uses)}  # fmt: skip
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"{uuid.uuid4().hex}.json").write_text(json.dumps(line), encoding="utf-8")


def _kinds(keys: Iterable[str]) -> str:
    return ",".join(sorted({key.split("#", 1)[0] for key in keys}))


def needed(folder: Path) -> dict[str, Needed]:
    """Everything kept in a folder, per function."""
    uses: dict[str, set[Use]] = {}
    denied: dict[str, set[str]] = {}
    for path in folder.glob("*.json"):
        line = json.loads(path.read_text(encoding="utf-8"))
        uses.setdefault(line["function"], set()).update(Use(*one) for one in line["uses"])
        denied.setdefault(line["function"], set()).update(line["denied"])
    return {name: Needed(frozenset(uses[name]), frozenset(denied[name])) for name in uses}


def roles(rendered: Rendered) -> dict[str, Role]:
    """Function -> its role, for every function of the template."""
    return {name: role_of(rendered, name) for name in rendered.of("AWS::Lambda::Function")}


class _Told(list[Call]):
    """Calls, but of those allowed by the same parts of a role only the first: a run makes half a
    million."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[frozenset[Use]] = set()

    def append(self, call: Call) -> None:
        uses = call.verdict.uses
        if call.verdict.denied or uses not in self._seen:
            self._seen.add(uses)
            super().append(call)


@lru_cache(maxsize=1)
def _undeployed() -> Rendered:
    return render()


@contextlib.contextmanager
def recorded_handlers(*, enforce: bool = False) -> Iterator[dict[str, list[Call]]]:
    """While open, AWS calls made inside a handler are judged by that handler's own role.

    For tests that run handlers on a table of their own, without a local stack (needs
    `lock.locked_calls` open). The handler is found on the call stack, by its file, however it was
    imported; names in a call are taken for those the template would give that function. Yields
    function -> calls that tell something new, and keeps them at the end.
    """
    rendered = _undeployed()
    files = _files(rendered)
    judged = roles(rendered)
    keys = partition_keys(rendered)
    told = {name: one.get("Environment", {}).get("Variables", {})
            for name, one in rendered.of("AWS::Lambda::Function").items()}  # fmt: skip
    (table,) = (rendered.reference(name) for name in rendered.of("AWS::DynamoDB::Table"))
    calls: dict[str, list[Call]] = {name: _Told() for name in judged}
    watches = {name: Watch(name, role=role, keys=keys, calls=calls[name], enforce=enforce)
               for name, role in judged.items()}  # fmt: skip

    def stand_by(run: Callable[[], Any], *, service: str, operation: str,
                 params: dict[str, Any]) -> Any:  # fmt: skip
        function = _running(files)
        if function is None:
            return run()
        params = _renamed(params, _names(told[function]), table=table)
        return watches[function](run, service=service, operation=operation, params=params)

    try:
        with watching_everything(stand_by):
            yield calls
    finally:
        for name, made in calls.items():
            keep(name, made)


def _files(rendered: Rendered) -> dict[str, str]:
    # File of a handler -> its function.
    found = {}
    for name, properties in rendered.of("AWS::Lambda::Function").items():
        module = properties["Handler"].rpartition(".")[0]
        folder = rendered.resources[name]["Metadata"]["CodeUri"]
        found[os.path.realpath(f"{folder}/{module}.py")] = name
    return found


def _running(files: Mapping[str, str]) -> str | None:
    frame, in_layer = inspect.currentframe(), False
    while frame is not None:
        file = frame.f_code.co_filename
        if file in files:
            return files[file]
        in_layer = in_layer or file.startswith(_LAYERS)
        if in_layer and file.startswith(_TESTS):
            return None  # a test acts through the layer while the handler runs
        frame = frame.f_back
    return None


def _names(environment: Mapping[str, str]) -> dict[str, str]:
    # What the function was told (its settings) -> what the template would tell it.
    from instore.runtime.services import services

    settings = getattr(services(), "settings", None)
    return {actual: str(value) for name, value in environment.items()
            if (actual := getattr(settings, name.lower(), ""))}  # fmt: skip


def _renamed(node: Any, names: Mapping[str, str], *, table: str) -> Any:
    if isinstance(node, list):
        return [_renamed(one, names, table=table) for one in node]
    if isinstance(node, dict):
        out = {key: _renamed(one, names, table=table) for key, one in node.items()}
        if "TableName" in out:
            out["TableName"] = table
        if "RequestItems" in out:
            (asked,) = out["RequestItems"].values()
            out["RequestItems"] = {table: asked}
        return out
    return names.get(node, node) if isinstance(node, str) else node
