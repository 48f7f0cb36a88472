"""How far a STOP reaches at once (I9): whatever is queued, deferred or claimed, at one banner or at
all, as the program says; and how far START lifts it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.outreach_rig import Rig

from instore.adapters.table import Table
from instore.model import Phone


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return Rig(table, clock)


def scoped(rig: Rig, scope: str) -> None:
    rig.apply(lambda document: document.update(consent={"opt_out_scope": scope}))


def stop(rig: Rig, number: str, *, banner: str, scope: str) -> None:
    """As the routing bot of that banner hears it."""
    customers = rig.services().customers
    heard = customers.hear_stop(
        customers.id_of(Phone(number)), banner=banner, scope=scope, how="text", words="STOP",
        evidence="a#c", event=f"a#c-{banner}#d#1", now=rig.clock.now(),
    )  # fmt: skip
    assert heard.confirm


def start(rig: Rig, number: str, *, banner: str, scope: str) -> None:
    customers = rig.services().customers
    assert customers.opt_in(customers.id_of(Phone(number)), banner=banner, scope=scope, how="text",
                            words="START", now=rig.clock.now())  # fmt: skip


def rows(rig: Rig, batch_id: str) -> list[tuple[str, str | None]]:
    """State of each row, with the reason of one that was blocked."""
    return [(row["s"], row.get("r") if row["s"] == "blocked" else None)
            for row in rig.rows(batch_id)]  # fmt: skip


def queued(rig: Rig, numbers: list[str], meanwhile: Callable[[], None]) -> str:
    batch_id: str = rig.text(numbers)[1]["id"]
    meanwhile()
    rig.deliver()
    return batch_id


def deferred(rig: Rig, numbers: list[str], meanwhile: Callable[[], None]) -> str:
    rig.clock.advance(8.5 * 3600)  # 20:30 at the store
    batch_id: str = rig.text(numbers)[1]["id"]
    assert rig.states(batch_id) == ["deferred"] * len(numbers)
    meanwhile()
    rig.clock.advance(15 * 3600)
    rig.sweep()
    rig.deliver()
    return batch_id


def claimed(rig: Rig, numbers: list[str], meanwhile: Callable[[], None]) -> str:
    """The sender has the claim, the vendor has not been called."""
    batch_id: str = rig.text(numbers)[1]["id"]
    said: list[str] = []
    cross = rig.boundaries.cross

    def crossing(name: str, run: Callable[[], Any]) -> Any:
        done = cross(name, run)
        if not said:
            said.append(name)  # what is done here crosses, too
            if rig.item(batch_id)["state"] == "claimed":
                assert rig.vendor.campaigns == []
                meanwhile()
            else:
                said.clear()
        return done

    rig.boundaries.cross = crossing  # type: ignore[method-assign]  # for this test only
    rig.deliver()
    assert len(said) == 1
    return batch_id


STANDS = [queued, deferred, claimed]
REACHES = [("all", "kay", "blocked"), ("all", "zales", "blocked"), ("banner", "kay", "blocked"),
           ("banner", "zales", "sent")]  # fmt: skip


@pytest.mark.parametrize("stand", STANDS, ids=lambda f: f.__name__)
@pytest.mark.parametrize(("scope", "banner", "comes_to"), REACHES)
def test_a_stop_reaches_what_is_on_its_way(
    rig: Rig, stand: Any, scope: str, banner: str, comes_to: str
) -> None:
    """Two texts of Kay; the first customer says STOP to Kay or to Zales meanwhile."""
    scoped(rig, scope)
    numbers = rig.customers(2)
    batch_id = stand(rig, numbers, lambda: stop(rig, numbers[0], banner=banner, scope=scope))
    reason = "opted_out" if comes_to == "blocked" else None
    assert rows(rig, batch_id) == [(comes_to, reason), ("sent", None)]
    sent = numbers if comes_to == "sent" else numbers[1:]
    assert rig.vendor.texts == {number[1:]: 1 for number in sent}


@pytest.mark.parametrize("stand", STANDS, ids=lambda f: f.__name__)
def test_a_start_in_time_lets_it_go(rig: Rig, stand: Any) -> None:
    numbers = rig.customers(1)

    def stop_and_start() -> None:
        stop(rig, numbers[0], banner="kay", scope="all")
        start(rig, numbers[0], banner="kay", scope="all")

    assert rows(rig, stand(rig, numbers, stop_and_start)) == [("sent", None)]


@pytest.mark.parametrize(("back_at", "comes_to"), [("kay", "accepted"), ("zales", "blocked")])
def test_start_at_one_banner_restores_that_one(rig: Rig, back_at: str, comes_to: str) -> None:
    scoped(rig, "banner")
    number = rig.customers(1)[0]
    for banner in ("kay", "zales"):
        stop(rig, number, banner=banner, scope="banner")
    start(rig, number, banner=back_at, scope="banner")
    answer = rig.text([number])[1]
    assert answer["rows"][0]["status"] == comes_to


def test_start_at_one_banner_does_not_lift_a_stop_that_was_for_all(rig: Rig) -> None:
    """Said while a STOP reached everything; the program has changed since."""
    number = rig.customers(1)[0]
    stop(rig, number, banner="kay", scope="all")
    scoped(rig, "banner")
    start(rig, number, banner="zales", scope="banner")
    assert rig.text([number])[1]["rows"][0]["reason"] == "opted_out"
    start(rig, number, banner="kay", scope="banner")
    assert rig.text([number], key="k-2")[1]["rows"][0]["status"] == "accepted"


def test_a_recorded_no_keeps_its_proof(rig: Rig) -> None:
    number = rig.customers(1)[0]
    body = {"phone": number, "class": "none", "wording": "No more texts, she said.",
            "method": "in_store", "evidence": "note 12"}  # fmt: skip
    answer = rig.ask("POST /consents", body)[1]
    entries = rig.table.query(f"CUSTOMER#{answer['customer']}", sk_prefix="CONSENT#")
    revoked = next(entry for entry in entries if entry["what"] == "revoked")
    assert [revoked.get(name) for name in ("who", "method", "words", "evidence", "scope")] == [
        "anna@kay.example.com", "in_store", "No more texts, she said.", "note 12", "all"]  # fmt: skip
