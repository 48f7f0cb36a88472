"""Carriers begin to filter a banner's number: it falls silent, its customers do not lose a text,
and other banners go on. On the real stack; what counts is what reached a handset."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from local import configure, switches
from local.liveperson import Options
from local.scene import Scene
from tests.story_rig import (
    KAY_NUMBER,
    ZOE,
    batch,
    consent,
    in_store,
    on_screen,
    outreach,
    verdicts,
)

pytestmark = pytest.mark.enable_socket
OWNER = "10000001"


def small(document: dict[str, Any]) -> None:
    document["outreach"]["filtering"] = {"run": 6, "hold_hours": 2}


def customers(scene: Scene, first: int, count: int, *, login: str | None = None) -> list[str]:
    numbers = [f"+121355501{n:02d}" for n in range(first, first + count)]
    for number in numbers:
        consent(scene, number, **({"login": login} if login else {}))
    return numbers


def minutes(scene: Scene, count: int) -> list[str]:
    """Time goes on minute by minute, with its sweeps; what was counted."""
    counted = []
    for _ in range(count):
        scene.clock.advance(60)
        counted += list(scene.sweep()["counts"])
        scene.settle(patience_s=60)
    return counted


def arrived(scene: Scene, numbers: list[str]) -> int:
    return sum(len(on_screen(scene, number)) for number in numbers)


def command(scene: Scene, *words: str) -> int:
    """`make configure ARGS="…"` on this stack's table."""
    where = ["--table", scene.stack.table_name]
    return configure.main([*words, *where], client=scene.stack.client("dynamodb"))


@pytest.mark.slow
def test_a_filtered_number_is_held_and_its_texts_wait(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with in_store(change=small) as scene:
        monkeypatch.setattr(switches, "_now", scene.clock.now)
        scene.sim.filter_texts(KAY_NUMBER)
        lost, kept = customers(scene, 0, 8), customers(scene, 10, 3)
        others = customers(scene, 20, 2, login=ZOE)
        first = outreach(scene, *lost, key="1")
        scene.settle(patience_s=60)
        assert "NumberHeld" in minutes(scene, 36)
        assert verdicts(batch(scene, first)) == [("failed", "filtered")] * 8
        assert [reason for reason, _ in scene.sim.dropped] == ["twilio_30007"] * 8

        second = outreach(scene, *kept, key="2")
        scene.settle(patience_s=60)
        assert verdicts(batch(scene, second)) == [("deferred", "number_held")] * 3
        assert len(scene.sim.campaigns) == 1
        body = {"template": "new-arrivals",
                "recipients": [{"phone": n, "variables": ["Zoe", "Zales"]} for n in others]}  # fmt: skip
        zales = scene.api("POST", "/outreach", login=ZOE, key="3", body=body)
        scene.settle(patience_s=60)
        assert verdicts(batch(scene, zales, login=ZOE)) == [("sent", None)] * 2

        capsys.readouterr()
        assert command(scene, "status") == 0
        assert f"held: {KAY_NUMBER} (kay)" in capsys.readouterr().out
        scene.sim.filter_texts(KAY_NUMBER, share=0)  # the carrier has been talked to
        assert command(scene, "release-number", KAY_NUMBER, "--note", "talked") == 0
        minutes(scene, 62)
        assert verdicts(batch(scene, second)) == [("delivered", None)] * 3
        assert (arrived(scene, lost), arrived(scene, kept), arrived(scene, others)) == (0, 3, 2)
        assert all(len(on_screen(scene, number)) == 1 for number in kept)


@pytest.mark.slow
def test_a_hold_ends_by_itself() -> None:
    with in_store(change=small) as scene:
        scene.sim.filter_texts(KAY_NUMBER)
        outreach(scene, *customers(scene, 0, 6), key="1")
        scene.settle(patience_s=60)
        assert "NumberHeld" in minutes(scene, 36)
        scene.sim.filter_texts(KAY_NUMBER, share=0)
        kept = customers(scene, 10, 2)
        outreach(scene, *kept, key="2")
        minutes(scene, 58)
        assert arrived(scene, kept) == 0
        minutes(scene, 70)
        assert arrived(scene, kept) == 2


@pytest.mark.slow
def test_what_only_the_report_knows_is_found_there() -> None:
    """The listing says DELIVERED for everything; single texts, so no call shows a run."""

    def single(document: dict[str, Any]) -> None:
        small(document)
        document["outreach"] |= {"chunk": 1, "gap_s": 0}

    with in_store(change=single, options=Options(carrier_verdicts="reported")) as scene:
        scene.sim.filter_texts(KAY_NUMBER)
        sent = outreach(scene, *customers(scene, 0, 6), key="1")
        for _ in range(6):
            scene.settle(patience_s=60)
            scene.clock.advance(60)
            scene.sweep()
        assert len(scene.sim.campaigns) == 6
        assert "NumberHeld" in minutes(scene, 34)
        assert {status for status, _ in verdicts(batch(scene, sent))} == {"delivered"}
        kept = outreach(scene, *customers(scene, 10, 1), key="2")
        scene.settle(patience_s=60)
        assert verdicts(batch(scene, kept)) == [("deferred", "number_held")]


@pytest.mark.slow
def test_a_number_that_is_filtered_now_and_then_is_not_held() -> None:
    with in_store(change=small) as scene:
        scene.sim.filter_texts(KAY_NUMBER, share=0.2)
        began = scene.clock.now()
        numbers = customers(scene, 0, 40)
        for n in range(4):
            outreach(scene, *numbers[10 * n : 10 * n + 10], key=str(n))
            scene.settle(patience_s=60)
        assert "NumberHeld" not in minutes(scene, 40)
        assert scene.clock.now() - began >= timedelta(minutes=40)
        assert 4 <= len(scene.sim.dropped) <= 16
