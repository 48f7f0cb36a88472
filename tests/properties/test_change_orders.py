"""However a history of changes is shuffled and repeated, it ends the same and texts once."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.assigned_rig import BOT, DANA, EVE, STRANGER, Rig

from instore.adapters.table import Table
from instore.assigning import take
from instore.assignment import Agent, ConversationChange, Seat, from_message, hear_webhook
from instore.notify import Means
from instore.program import Program

# What must not depend on the order. `wait` does: a wait nobody heard of was not counted.
ENDS = ("state", "agent", "agent_id", "misrouted", "changed_ts", "changed_rank", "change")


@pytest.fixture
def rig(table: Table, strict_program: Program, clock: Any) -> Rig:
    rig = Rig(table, strict_program, clock)
    rig.consent()
    return rig


def history(rig: Rig) -> list[ConversationChange]:
    """Dana is offered it, the bot is gone, Dana takes it, a manager looks on."""
    suggested = rig.change(20, BOT)
    offered = (*suggested.agents, Agent(DANA, Seat.SUGGESTED))
    return [
        rig.change(20, BOT, agents=offered),
        rig.change(30, agents=offered[1:]), rig.change(30, DANA), rig.change(40, DANA),
    ]  # fmt: skip


def end(rig: Rig, means: Means, changes: list[ConversationChange]) -> dict[str, Any]:
    rig.vendor.campaigns.clear()
    rig.converse()
    for change in changes:
        take(change, means=means, now=rig.clock.now())
    item = rig.item()
    return {name: item.get(name) for name in ENDS} | {"waiting": item["waiting"]}


def test_every_permutation_of_an_assignment_ends_the_same_with_one_text(rig: Rig) -> None:
    changes, means = history(rig), rig.quiet
    wanted = end(rig, means, changes)
    assert (wanted["state"], wanted["agent_id"], wanted["waiting"]) == ("assigned", "111", False)
    for order in itertools.permutations(changes):
        assert end(rig, means, [*order, *order[::-1]]) == wanted, order
        assert len(rig.vendor.campaigns) == 1
        assert rig.notice() == "sent"


@settings(max_examples=40, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(data=st.data())
def test_any_history_shuffled_and_repeated_ends_as_its_newest_change_says(
    rig: Rig, data: st.DataObject
) -> None:
    people = st.lists(st.sampled_from([DANA, EVE, BOT, STRANGER]), max_size=2, unique=True)
    told = data.draw(st.lists(people, min_size=1, max_size=5))
    changes = [rig.change(10 * n, *pids) for n, pids in enumerate(told, 1)]
    if data.draw(st.booleans()):  # a conversation is closed once, at its end
        changes.append(rig.change(99, closed=True))
    repeated = changes + data.draw(st.lists(st.sampled_from(changes), max_size=4))
    shuffled = data.draw(st.permutations(repeated))
    newest = changes[-1]
    found = end(rig, rig.quiet, list(shuffled))
    assert found["changed_ts"] == newest.ts
    assert found["change"] is None
    humans = [pid for pid in newest.assigned if pid in (DANA, EVE)]
    if newest.closed:
        assert (found["state"], found["waiting"]) == ("closed", False)
    elif humans:
        assert (found["state"], found["waiting"]) == ("assigned", False)
        assert found["agent"] in humans
        assert rig.notice() == "sent"
    else:
        assert found["state"] != "assigned"
        assert found["agent"] is None
    waits = rig.item()["wait"]
    assert len(rig.vendor.campaigns) <= waits


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from(["cqm.ExConversationChangeNotification", "ms.MessagingEventNotification",
                       "ContentEvent", "ASSIGNED_AGENT", "CONSUMER", "OPEN"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["type", "body", "changes", "result", "convId", "conversationDetails",
                         "participants", "dialogs", "participantsDetails", "state", "role", "id",
                         "metaDataLastUpdateTs", "event", "originatorMetadata", "dialogId",
                         "serverTimestamp", "message"]), inner, max_size=8),
    max_leaves=30,
)  # fmt: skip


@given(document=JSON, kind=st.sampled_from(
    ["cqm.ExConversationChangeNotification", "ms.MessagingEventNotification"]))  # fmt: skip
def test_no_json_at_all_makes_us_stumble(document: Any, kind: str) -> None:
    """I12: garbage is no information; what is made of it can be queued and read back."""
    for whole in (document, {"type": kind, "body": {"changes": [document]}}):
        for change in hear_webhook("20000001", whole).changes:
            assert from_message(change.as_message()) == change
