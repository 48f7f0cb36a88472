"""Threads in the table, over moto the whole way: revisions, conversations, what an erasure leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from instore.adapters.table import Table
from instore.adapters.threads import Owner, Threads
from instore.model import Phone, epoch
from instore.thread import Thread, ThreadState, read_text

NOW = datetime(2026, 11, 18, 17, tzinfo=UTC)
LINE, OTHER, ANA = Phone("+12125550177"), Phone("+12125550178"), Phone("+12125550123")
ONE = "SM" + "1" * 32
WHO = "ab" * 20


@pytest.fixture
def threads(table: Table) -> Threads:
    return Threads(table)


def thread(**changed: Any) -> Thread:
    whole = Thread(customer=WHO, line=LINE, phone=ANA, banner="kay", account="10000002",
                   state=ThreadState.OPENING, since=NOW, created_at=NOW, last_at=NOW)  # fmt: skip
    return replace(whole, **changed)


def text(sid: str = ONE) -> Any:
    return read_text({"MessageSid": sid, "From": ANA.e164, "To": LINE.e164, "Body": "Hi"}, at=NOW)


def talk(table: Table, name: str, **more: Any) -> None:
    """A conversation's own item as the bot leaves it."""
    table.put({"pk": f"CONVERSATION#10000002#{name}", "sk": "CONVERSATION", "conversation": name,
               "account": "10000002", "customer": WHO, "state": "decided",
               "created_at": "2026-11-18T17:00:00.000Z", **more})  # fmt: skip


def test_a_thread_comes_back_as_it_was_stored(threads: Threads) -> None:
    saved = threads.save(thread(conversation="c-1", posting=("SM1",), turn=2))
    assert saved == thread(conversation="c-1", posting=("SM1",), turn=2, rev=1)
    assert threads.get(WHO, line=LINE) == saved
    assert threads.get(WHO, line=OTHER) is None
    assert threads.get("cd" * 20, line=LINE) is None


def test_of_two_who_changed_a_thread_one_wrote(threads: Threads) -> None:
    first = threads.save(thread())
    assert first is not None
    assert threads.save(thread()) is None  # it is there already
    opened = threads.save(replace(first, state=ThreadState.OPEN, conversation="c-1"))
    assert opened is not None
    assert threads.save(replace(first, state=ThreadState.CLOSED)) is None
    assert threads.get(WHO, line=LINE) == opened


def test_a_thread_is_kept_for_four_hundred_days_after_its_last_text(
    threads: Threads, table: Table
) -> None:
    threads.save(thread(last_at=NOW + timedelta(days=3)))
    item = table.get(f"CUSTOMER#{WHO}", f"THREAD#{LINE.e164}") or {}
    assert item["expires_at"] == epoch(NOW + timedelta(days=403))


def test_a_text_is_taken_in_once_and_ends_once(threads: Threads, table: Table) -> None:
    assert (threads.take_in(WHO, text=text(), now=NOW).again, False) == (False, False)
    again = threads.take_in(WHO, text=text(), now=NOW)
    assert (again.again, again.done) == (True, False)
    threads.finish(WHO, text=text(), what="said", conversation="c-1", repeated=True)
    assert threads.take_in(WHO, text=text(), now=NOW).done
    assert threads.take_in(WHO, text=text("SM" + "2" * 32), now=NOW).again is False
    item = table.get(f"CUSTOMER#{WHO}", f"RECEIVED#{ONE}") or {}
    assert (item["what"], item["conversation"], item["repeated"]) == ("said", "c-1", True)
    threads.finish("cd" * 20, text=text(), what="said", conversation=None, repeated=False)
    assert table.get(f"CUSTOMER#{'cd' * 20}", f"RECEIVED#{ONE}") is None


def test_a_text_taken_in_for_good_is_known_for_ever(threads: Threads, table: Table) -> None:
    threads.take_in(WHO, text=text(), now=NOW, for_good=True)
    assert "expires_at" not in (table.get(f"CUSTOMER#{WHO}", f"RECEIVED#{ONE}") or {})
    threads.take_in(WHO, text=text("SM" + "2" * 32), now=NOW)
    other = table.get(f"CUSTOMER#{WHO}", f"RECEIVED#SM{'2' * 32}") or {}
    assert other["expires_at"] == epoch(NOW + timedelta(days=35))


def test_whose_a_conversation_is(threads: Threads, table: Table) -> None:
    assert threads.owner_of("10000002", conversation="c-1") is None
    talk(table, "c-1")
    assert threads.owner_of("10000002", conversation="c-1") is None
    talk(table, "c-1", line=OTHER.e164)
    assert threads.owner_of("10000002", conversation="c-1") == Owner(WHO, OTHER)
    threads.own(thread(), conversation="c-1", now=NOW)
    assert threads.owner_of("10000002", conversation="c-1") == Owner(WHO, LINE)
    assert threads.owner_of("10000003", conversation="c-1") is None


def test_whether_a_conversation_is_over(threads: Threads, table: Table) -> None:
    assert not threads.is_over("10000002", conversation="c-1")
    talk(table, "c-1")
    assert not threads.is_over("10000002", conversation="c-1")
    talk(table, "c-1", state="closed")
    assert threads.is_over("10000002", conversation="c-1")


def test_the_newest_running_conversation_of_a_thread(threads: Threads, table: Table) -> None:
    assert threads.running(thread()) is None
    threads.own(thread(), conversation="c-1", now=NOW)
    threads.own(thread(line=OTHER), conversation="c-2", now=NOW + timedelta(seconds=1))
    threads.own(thread(account="10000003"), conversation="c-3", now=NOW + timedelta(seconds=2))
    threads.own(thread(customer="cd" * 20), conversation="c-4", now=NOW + timedelta(seconds=3))
    assert threads.running(thread()) == "c-1"
    talk(table, "c-5", line=LINE.e164, created_at="2026-11-18T17:00:30.000Z")  # the bot's word
    assert threads.running(thread()) == "c-5"
    talk(table, "c-5", line=LINE.e164, state="closed", created_at="2026-11-18T17:00:30.000Z")
    assert threads.running(thread()) == "c-1"
    talk(table, "c-1", state="closed")
    assert threads.running(thread()) is None
    threads.own(thread(), conversation="c-6", now=NOW)
    assert threads.running(thread(), since=NOW) == "c-6"
    assert threads.running(thread(), since=NOW + timedelta(seconds=1)) is None


def test_an_erasure_takes_the_number_and_the_revision_moves_on(threads: Threads) -> None:
    before = threads.save(thread(conversation="c-1"))
    other = threads.save(thread(line=OTHER, last_at=NOW + timedelta(minutes=1)))
    assert before is not None
    threads.take_in(WHO, text=text(), now=NOW)
    assert [item["sk"] for item in threads.held(WHO)] == [
        f"THREAD#{LINE.e164}", f"THREAD#{OTHER.e164}", f"RECEIVED#{ONE}",
    ]  # fmt: skip
    assert threads.empty(WHO, until=NOW) == 1
    assert threads.empty(WHO, until=NOW) == 0
    after = threads.get(WHO, line=LINE)
    assert after == replace(before, phone=None, rev=2)
    assert threads.get(WHO, line=OTHER) == other
    assert threads.save(before) is None
    assert threads.save(replace(after, phone=ANA)) is not None
