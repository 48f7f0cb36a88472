"""The mirror in the context service: only what changed, and the namespace made when missing."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests.adapters.vendor_rig import ACCOUNT, Rig, told

from instore.errors import VendorError

HOST = "https://z1.context.liveperson.net/v1/account/20000001"
PATH = f"{HOST}/stores/kay/properties"


def write(rig: Rig, properties: dict[str, Any]) -> None:
    rig.liveperson.write_context(ACCOUNT, namespace="stores", session="kay", properties=properties)


def test_changed_properties_are_set_and_vanished_ones_removed(clock: Any) -> None:
    rig = Rig(clock, httpx.Response(204), httpx.Response(404))
    write(rig, {"store_1": {"agents": ["7"]}, "store 2": None})
    assert [told(r) for r in rig.seen] == [
        ("PATCH", PATH, {}), ("DELETE", f"{PATH}/store%202", {})
    ]  # fmt: skip
    assert json.loads(rig.seen[0].content) == {"store_1": {"agents": ["7"]}}
    assert rig.seen[0].headers["maven-api-key"] == "maven-1"
    assert "authorization" not in rig.seen[0].headers
    assert rig.domain_seen == []


def test_missing_namespace_is_made(clock: Any) -> None:
    rig = Rig(clock, httpx.Response(404), httpx.Response(204))
    write(rig, {"store_1": 1})
    assert [told(r)[:2] for r in rig.seen] == [("PATCH", PATH), ("POST", HOST), ("PATCH", PATH)]
    assert json.loads(rig.seen[1].content) == {"name": "stores"}


def test_nothing_to_write_is_no_call(clock: Any) -> None:
    rig = Rig(clock)
    write(rig, {})
    assert (rig.seen, rig.domain_seen) == ([], [])


def test_refusal_is_said(clock: Any) -> None:
    with pytest.raises(VendorError) as caught:
        write(Rig(clock, httpx.Response(400)), {"store_1": 1})
    assert caught.value.vendor_status == 400
