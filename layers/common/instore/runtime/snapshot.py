"""What Lambda SnapStart finds ready: modules imported and AWS clients built before the snapshot.

Importing and building is 0.5 s of a cold start (docs/decisions/0005); a function restored from a
snapshot has done it already. No secret, program or token is read before the snapshot, and no
connection is opened: such things would be shared by all that are restored, or be stale.
"""

from __future__ import annotations

import importlib

from .services import services


def ready(*parts: str, modules: tuple[str, ...] = ()) -> None:
    """Register what to prepare; to be called while a function is imported.

    `parts` are properties of Services. Outside Lambda's managed runtime nobody takes snapshots.
    Source: AWS Lambda developer guide, "Lambda SnapStart runtime hooks for Python".
    """
    try:
        from snapshot_restore_py import register_before_snapshot
    except ImportError:
        return
    register_before_snapshot(prepare, parts, modules)


def prepare(parts: tuple[str, ...], modules: tuple[str, ...]) -> None:
    """Import the modules and build the parts of this process's services."""
    for name in modules:
        importlib.import_module(name)
    house = services()
    for name in parts:
        getattr(house, name)
