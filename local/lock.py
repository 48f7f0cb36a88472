"""One lock around every AWS call: moto is not atomic between threads, DynamoDB is.

Without it sixteen racing conditional writes have several winners, and tests about races prove
nothing. The same place lets a caller watch the calls made in its own context (`watching`): who
called what, and may they.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Protocol

import botocore.client


class Watcher(Protocol):
    """Stands around one AWS call: looks at it, and either runs it or raises."""

    def __call__(
        self, run: Callable[[], Any], *, service: str, operation: str, params: dict[str, Any]
    ) -> Any: ...


_lock = threading.RLock()
_installing = threading.Lock()
_installed = 0
_watcher: ContextVar[tuple[Watcher | None, bool]] = ContextVar("watcher", default=(None, False))
_everywhere: list[Watcher] = []
_original: Any = None


def _call(client: Any, operation_name: str, api_params: dict[str, Any]) -> Any:
    def run() -> Any:
        with _lock:
            return _original(client, operation_name, api_params)

    watcher, alone = _watcher.get()
    watchers = [] if watcher is None else [watcher]
    if not alone:
        watchers += _everywhere
    service = client.meta.service_model.service_name
    for one in watchers:
        run = partial(one, run, service=service, operation=operation_name, params=api_params)
    return run()


@contextmanager
def locked_calls() -> Iterator[None]:
    """Serialise all boto3 calls of this process while open. May be nested."""
    global _installed, _original
    with _installing:
        if _installed == 0:
            _original = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]  # private: the only point every call passes
            botocore.client.BaseClient._make_api_call = _call  # type: ignore[attr-defined]  # same
        _installed += 1
    try:
        yield
    finally:
        with _installing:
            _installed -= 1
            if _installed == 0:
                botocore.client.BaseClient._make_api_call = _original  # type: ignore[attr-defined]  # same


@contextmanager
def watching(watcher: Watcher | None, *, alone: bool = False) -> Iterator[None]:
    """Let `watcher` stand around every AWS call of this context (needs `locked_calls` open).

    `alone`: not together with those of `watching_everything`.
    """
    token = _watcher.set((watcher, alone))
    try:
        yield
    finally:
        _watcher.reset(token)


@contextmanager
def watching_everything(watcher: Watcher) -> Iterator[None]:
    """Let `watcher` stand around the calls of every context, outside the context's own."""
    _everywhere.append(watcher)
    try:
        yield
    finally:
        _everywhere.remove(watcher)
