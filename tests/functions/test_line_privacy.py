"""Erase and export of somebody who texted our numbers: threads, texts taken in, the unclaimed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from local.lock import watching
from tests.inbound_rig import PATIENCE, InboundRig
from tests.line_rig import SENDER, inbound
from tests.outreach_rig import ACCOUNT, phone
from tests.privacy_rig import erase, export, finish, left_of

from instore.adapters.table import Table
from instore.adapters.threads import Threads
from instore.errors import VendorUnavailableError
from instore.model import Phone
from instore.thread import read_text

ANA = phone(0)
UNKNOWN = "+12125550199"


@pytest.fixture
def rig(table: Table, clock: Any) -> InboundRig:
    return InboundRig(table, clock)


def everything(rig: InboundRig, number: str = ANA, name: str = "Anastasia") -> list[dict[str, str]]:
    """They talk with an associate, have had an answer, and wrote to a number nobody knows."""
    rig.connector.opened = rig.bot_is_asked
    forms = [rig.texts(f"Hi, it is {name}", number)]
    rig.writes(rig.connector.talks[-1], f"Hello {name}")
    forms.append(rig.texts(f"{name} here", number, To=UNKNOWN, MediaUrl0="https://x.example/A"))
    return forms


def test_an_export_shows_threads_texts_and_what_nobody_was_given(rig: InboundRig) -> None:
    said, lost = everything(rig)
    line = export(rig)["line"]
    thread, received = line["threads"]
    assert (thread["phone"], thread["line"], thread["state"]) == (ANA, SENDER, "open")
    assert (received["sid"], received["what"]) == (said["MessageSid"], "said")
    (unclaimed,) = line["unclaimed"]
    assert (unclaimed["sender"], unclaimed["body"]) == (ANA, "Anastasia here")
    assert unclaimed["media"] == ["https://x.example/A"]
    (text,) = line["texts"]
    assert (text["purpose"], text["conversation"]) == ("reply", "talk-0")
    assert lost["MessageSid"]


def test_an_erasure_leaves_nothing_personal_and_touches_nobody_else(rig: InboundRig) -> None:
    everything(rig)
    everything(rig, phone(1), "Berta")
    rig.clock.advance(60)
    status, _ = erase(rig)
    assert status == 200
    assert left_of(rig) == []
    finish(rig)
    assert left_of(rig) == []
    thread = rig.thread()
    assert (thread.phone, thread.conversation) == (None, "talk-0")
    (kept,) = rig.services().unclaimed.held(rig.name())
    assert set(kept) == {"pk", "sk", "customer", "to", "created_at", "expires_at"}
    assert rig.thread(phone(1)).phone == Phone(phone(1))
    (other,) = rig.services().unclaimed.held(rig.name(phone(1)))
    assert other["body"] == "Berta here"
    assert rig.writes(rig.connector.talks[0], "Are you still there?", sequence=9) == []
    assert rig.twilio.to(ANA) == ["Hello Anastasia"]


def test_who_was_erased_and_texts_again_goes_on_in_their_conversation(rig: InboundRig) -> None:
    everything(rig)
    rig.clock.advance(60)
    erase(rig)
    finish(rig)
    rig.texts("START")
    rig.texts("Hi again")
    assert rig.connector.said[0][-2:] == ["START", "Hi again"]
    rig.writes(rig.connector.talks[0], "Welcome back", sequence=9)
    assert rig.twilio.to(ANA)[-1] == "Welcome back"


@pytest.mark.parametrize("ended", [False, True], ids=["at once", "long after"])
@pytest.mark.parametrize("to", [SENDER, UNKNOWN])
def test_what_was_said_before_the_erasure_and_comes_after_it_goes_with_the_rest(
    rig: InboundRig, to: str, ended: bool
) -> None:
    """The queue brings a failed text again for half an hour, and a person brings dead letters."""
    rig.texts("Hi")
    said = rig.clock.now()
    rig.clock.advance(10)
    erase(rig)
    if ended:
        finish(rig)
    late = inbound("Please help, it is me", To=to)
    assert rig.again(late, at=said) == []
    assert rig.connector.said == [["Hi"]]
    assert rig.thread().phone is None
    assert left_of(rig) == []
    if to == SENDER:
        assert rig.received(late)["what"] == "erased"


def test_what_is_written_during_the_erasure_is_cleaned_up_after(rig: InboundRig) -> None:
    """By a process that read before it: the sweep looks once more."""
    rig.texts("Hi")
    before = rig.clock.now()
    rig.clock.advance(10)
    erase(rig)
    threads, unclaimed = Threads(rig.table), rig.services().unclaimed
    threads.save(replace(rig.thread(), phone=Phone(ANA)))
    text = read_text(inbound("Late", To=UNKNOWN), at=before)
    assert unclaimed.keep(text, customer=rig.name(), now=rig.clock.now()) is True
    assert left_of(rig) != []
    finish(rig)
    assert left_of(rig) == []
    assert rig.thread().phone is None


def test_a_new_text_after_the_erasure_is_not_taken_away(rig: InboundRig) -> None:
    rig.texts("Hi")
    rig.clock.advance(10)
    erase(rig)
    rig.clock.advance(10)
    rig.texts("START")
    finish(rig)
    assert rig.thread().phone == Phone(ANA)


def test_who_read_the_thread_before_the_erasure_cannot_write_it_back(rig: InboundRig) -> None:
    rig.texts("Hi")
    threads = Threads(rig.table)
    before = rig.thread()
    rig.clock.advance(10)
    erase(rig)
    assert threads.save(before) is None
    assert rig.thread().phone is None


def test_an_erasure_in_the_middle_of_an_opening(rig: InboundRig) -> None:
    """The opening that began before it cannot write the number back; brought again it ends well."""

    def meanwhile(talk: Any) -> None:
        rig.connector.opened = lambda _: None
        with watching(None, alone=True):
            rig.bot_is_asked(talk)
            rig.services().threads.empty(rig.name(), until=rig.clock.now())

    rig.connector.opened = meanwhile
    fields = inbound("Hi")
    assert rig.again(fields) == ["m-0"]
    assert (rig.thread().phone, rig.thread().state) == (None, "opening")
    rig.clock.advance(PATIENCE)
    assert rig.again(fields) == []
    assert rig.connector.said == [["Hi"]]


def test_an_unfinished_opening_is_erased_as_well(rig: InboundRig) -> None:
    rig.connector.failures = [VendorUnavailableError("lost")]
    fields = inbound("Hi")
    assert rig.again(fields) == ["m-0"]
    rig.clock.advance(10)
    erase(rig)
    assert left_of(rig) == []
    rig.clock.advance(PATIENCE)
    assert rig.again(fields, at=rig.clock.now()) == []
    assert rig.connector.said == [["Hi"]]


def test_erasing_twice_changes_nothing(rig: InboundRig, requests_made: Any) -> None:
    everything(rig)
    rig.clock.advance(10)
    erase(rig)
    del requests_made[:]
    erase(rig)
    written = [params["Key"]["pk"]["S"] for _, op, params in requests_made if op == "UpdateItem"]
    assert [pk for pk in written if pk.startswith(("UNCLAIMED", "TEXT"))] == []
    assert f"CONVERSATION#{ACCOUNT}#talk-0" not in written
