"""A customer texts one of our numbers: into the right conversation, once, and never lost."""

from __future__ import annotations

from typing import Any

import pytest
from tests.inbound_rig import (
    BOT_SKILL,
    BRANCH_NUMBER,
    KAY_NUMBER,
    OTHER,
    PATIENCE,
    InboundRig,
)
from tests.line_rig import ANNAS, SENDER, inbound
from tests.outreach_rig import ACCOUNT, ANNA, BEN, GROUP, LOGINS, phone

from instore.adapters.table import Table
from instore.directory import Pointer
from instore.errors import (
    VendorError,
    VendorGarbageError,
    VendorNotAuthorizedError,
    VendorNotReachedError,
    VendorThrottledError,
    VendorUnavailableError,
)
from instore.thread import WORDLESS, Opening, ThreadState

ANA = phone(0)


def looked_at(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The texts that the log asks a person to look at."""
    return [vars(record)["text"] for record in caplog.records
            if record.message == "Text for a person to look at"]  # fmt: skip


@pytest.fixture
def rig(table: Table, clock: Any) -> InboundRig:
    return InboundRig(table, clock)


# ---------------------------------------------------------------- the way to LivePerson


def test_a_first_text_opens_a_conversation_for_the_numbers_associate(rig: InboundRig) -> None:
    fields = rig.texts("Is my ring ready?")
    (talk,) = rig.connector.talks
    assert talk.said == ["Is my ring ready?"]
    name = rig.name()
    assert talk.opening == Opening(f"{name}.{SENDER[1:]}", rig.known().phone, talk.opening.line,
                                   BOT_SKILL, LOGINS[ANNA], GROUP)  # fmt: skip
    assert (talk.opening.phone.e164, talk.opening.line.e164) == (ANA, SENDER)
    binding = rig.known().bindings["kay"]
    assert (binding.pointer, binding.source) == (ANNAS, "relay_number")
    thread = rig.thread()
    assert (thread.state, thread.conversation, thread.account) == (
        ThreadState.OPEN,
        talk.id,
        ACCOUNT,
    )
    assert (thread.posting, thread.phone.e164, thread.turn) == ((fields["MessageSid"],), ANA, 0)
    assert rig.table.get(f"LINE#{SENDER}", f"CUSTOMER#{name}") is not None  # met
    assert {k: v for k, v in rig.received(fields).items() if k not in ("pk", "sk", "at")} == {
        "sid": fields["MessageSid"], "state": "done", "what": "said", "conversation": talk.id,
        "expires_at": int(rig.clock.now().timestamp()) + 35 * 86400,
    }  # fmt: skip
    assert rig.twilio.messages == []


def test_the_next_text_goes_into_the_same_conversation_in_eight_requests(
    rig: InboundRig, requests_made: Any
) -> None:
    rig.texts("Is my ring ready?")
    rig.texts("I am in town today.")
    assert rig.connector.said == [["Is my ring ready?", "I am in town today."]]
    del requests_made[:]
    rig.texts("Still here.")
    made = [op for _, op, _ in requests_made]
    # program (a fresh process), numbers, note, can be texted, thread, is it over, about to say, done
    assert made == ["GetItem", "BatchGetItem", "PutItem", "UpdateItem", "GetItem", "GetItem",
                    "PutItem", "UpdateItem"]  # fmt: skip


def test_a_duplicate_changes_nothing_and_costs_one_request(
    rig: InboundRig, requests_made: Any
) -> None:
    fields = rig.texts("Is my ring ready?")
    del requests_made[:]
    assert rig.again(fields) == []
    assert rig.connector.said == [["Is my ring ready?"]]
    made = [op for _, op, _ in requests_made]
    assert made == ["GetItem", "BatchGetItem", "PutItem"]  # program, numbers, the one that tells


def test_texts_that_come_in_another_order_are_all_said_once(rig: InboundRig) -> None:
    first, second = inbound("one"), inbound("two")
    assert rig.again(second) == []
    assert rig.again(first, second) == []
    assert rig.again(first) == []
    assert rig.connector.said == [["two", "one"]]


def test_two_numbers_are_two_threads_with_a_consumer_each(rig: InboundRig) -> None:
    rig.give(OTHER, Pointer(ACCOUNT, GROUP, BEN))
    rig.texts("Anna?")
    rig.clock.advance(60)
    rig.texts("Ben?", To=OTHER)
    rig.texts("Anna!")
    assert rig.connector.said == [["Anna?", "Anna!"], ["Ben?"]]
    assert [t.consumer.split(".")[1] for t in rig.connector.talks] == [SENDER[1:], OTHER[1:]]
    assert rig.known().bindings["kay"].pointer.agent_id == BEN


def test_a_late_text_does_not_undo_a_newer_binding(rig: InboundRig) -> None:
    rig.give(OTHER, Pointer(ACCOUNT, GROUP, BEN))
    before = rig.clock.now()
    rig.clock.advance(60)
    rig.texts("Ben?", To=OTHER)
    assert rig.again(inbound("Anna?"), at=before) == []
    assert rig.known().bindings["kay"].pointer.agent_id == BEN
    assert rig.connector.said == [["Ben?"], ["Anna?"]]


def test_a_number_in_quarantine_reaches_the_successor(rig: InboundRig) -> None:
    rig.give(SENDER, ANNAS, state="quarantined",
             successor={"account": ACCOUNT, "group": GROUP, "agent": BEN})  # fmt: skip
    rig.texts("Anna?")
    assert rig.connector.said == [["Anna?"]]
    assert rig.known().bindings["kay"].pointer.agent_id == BEN


def test_an_associate_who_moved_is_found_where_they_are(rig: InboundRig) -> None:
    rig.give(SENDER, Pointer(ACCOUNT, "an old store", ANNA))
    rig.texts("Anna?")
    assert rig.known().bindings["kay"].pointer == ANNAS
    assert rig.connector.talks[0].opening.store == GROUP


@pytest.mark.parametrize("to", [BRANCH_NUMBER, KAY_NUMBER])
def test_a_branchs_or_a_banners_number_binds_nobody(rig: InboundRig, to: str) -> None:
    rig.texts("I called before", To=to)
    (talk,) = rig.connector.talks
    assert (talk.said, talk.opening.login, talk.opening.store) == (["I called before"], "", "")
    assert rig.known() is None
    assert rig.thread(line=to).conversation == talk.id


def test_who_texts_can_be_texted_whatever_a_carrier_said(rig: InboundRig) -> None:
    rig.texts("Hi")
    rig.services().customers.mark_unreachable(rig.name(), reason="twilio_30005",
                                              now=rig.clock.now())  # fmt: skip
    rig.writes(rig.connector.talks[0], "Hello")
    assert rig.twilio.messages == []
    rig.texts("Still here")
    assert rig.known().unreachable is None
    rig.writes(rig.connector.talks[0], "Hello", sequence=8)
    assert rig.twilio.to(ANA) == ["Hello"]


def test_pictures_are_kept_as_links(rig: InboundRig) -> None:
    url = "https://api.twilio.com/2010-04-01/Accounts/AC0/Messages/MM0/Media/ME"
    pictures = {"NumMedia": "2", "MediaUrl0": url + "1", "MediaContentType0": "image/jpeg",
                "MediaUrl1": url + "2", "MediaUrl2": "javascript:alert(1)"}  # fmt: skip
    rig.texts("Like this one", **pictures)
    rig.texts("", **pictures)
    rig.texts(" ", NumMedia="1")
    links = [f"[image/jpeg] {url}1", f"[file] {url}2"]
    assert rig.connector.said == [
        ["\n".join(["Like this one", *links]), "\n".join(links), WORDLESS]
    ]


@pytest.mark.parametrize("told", [True, False])
def test_a_closed_conversation_is_followed_by_a_new_one(rig: InboundRig, told: bool) -> None:
    """Whether the webhook said so or LivePerson refuses."""
    rig.texts("one")
    rig.closes(rig.connector.talks[0], told=told)
    rig.clock.advance(3600)
    fields = rig.texts("two")
    rig.texts("three")
    assert rig.connector.said == [["one"], ["two", "three"]]
    assert rig.thread().conversation == "talk-1"
    assert rig.received(fields)["conversation"] == "talk-1"
    assert "repeated" not in rig.received(fields)


def test_a_thread_evicted_at_livepersons_goes_on_in_the_one_that_is_open(rig: InboundRig) -> None:
    """LivePerson opens no second one for the consumer: the open one is found and used."""
    rig.texts("one")
    rig.table.delete(f"CUSTOMER#{rig.name()}", f"THREAD#{SENDER}")
    rig.texts("two")
    assert rig.connector.said == [["one", "two"]]


def test_an_open_conversation_that_cannot_be_found_is_left_to_another_consumer(
    rig: InboundRig,
) -> None:
    rig.texts("one")
    rig.table.delete(f"CUSTOMER#{rig.name()}", f"THREAD#{SENDER}")
    rig.table.delete(f"CONVERSATION#{ACCOUNT}#talk-0", "LINE")
    rig.texts("two")
    rig.texts("three")
    assert rig.connector.said == [["one"], ["two", "three"]]
    assert rig.connector.talks[1].consumer == f"{rig.name()}.{SENDER[1:]}.1"
    assert rig.thread().turn == 1


def test_refused_twice_the_text_comes_again(rig: InboundRig) -> None:
    rig.connector.failures = [VendorError("no", vendor_status=400)] * 2
    assert rig.again(inbound("one")) == ["m-0"]
    assert rig.thread().state is ThreadState.CLOSED
    rig.clock.advance(PATIENCE)
    rig.texts("one")
    assert rig.connector.said == [["one"]]


def test_without_the_bots_skill_nothing_is_opened(rig: InboundRig) -> None:
    rig.table.put({"pk": f"MAP#{ACCOUNT}", "sk": "MAP", "skills": {}})
    fields = inbound("one")
    assert rig.again(fields) == ["m-0"]
    assert (rig.connector.talks, rig.thread()) == ([], None)
    rig.table.put({"pk": f"MAP#{ACCOUNT}", "sk": "MAP", "skills": {"kay-bot": BOT_SKILL}})
    assert rig.again(fields) == []
    assert rig.connector.said == [["one"]]


# ---------------------------------------------------------------- vendors that fail

SURE = [VendorThrottledError("slow down", vendor_status=429), VendorNotReachedError("away"),
        VendorNotAuthorizedError("no", vendor_status=401)]  # fmt: skip
UNSURE = [VendorUnavailableError("5xx", vendor_status=503), VendorGarbageError("what")]


@pytest.mark.parametrize("error", SURE, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("at", [0, 1], ids=["open", "say"])
def test_what_certainly_did_nothing_is_tried_again_without_doubt(
    rig: InboundRig, error: Exception, at: int
) -> None:
    fields = inbound("one")
    rig.connector.failures = [*[None] * at, *[error] * 3]
    assert rig.again(fields) == ["m-0"]
    rig.connector.failures = []
    rig.clock.advance(PATIENCE)
    assert rig.again(fields) == []
    assert rig.connector.said == [["one"]]
    assert "repeated" not in rig.received(fields)


@pytest.mark.parametrize("error", SURE[:2], ids=lambda e: type(e).__name__)
def test_a_moment_later_is_soon_enough(rig: InboundRig, error: Exception) -> None:
    began = rig.clock.now()
    rig.connector.failures = [error, error, None, error]
    rig.texts("one")
    assert rig.connector.said == [["one"]]
    assert (rig.clock.now() - began).total_seconds() == 4  # 1 + 2, then 1


def test_livepersons_own_wait_is_kept_up_to_five_seconds(rig: InboundRig) -> None:
    began = rig.clock.now()
    rig.connector.failures = [VendorThrottledError("slow down", retry_after=4),
                              VendorThrottledError("slow down", retry_after=90)]  # fmt: skip
    rig.texts("one")
    assert (rig.clock.now() - began).total_seconds() == 9


@pytest.mark.parametrize("error", UNSURE, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("processed", [True, False])
def test_words_whose_fate_nobody_knows_are_said_again_and_it_is_told(
    rig: InboundRig, error: Exception, processed: bool, capsys: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """At least once: the one case in which LivePerson may have a text twice."""
    fields = inbound("one")
    rig.connector.failures, rig.connector.processed_although_failed = [None, error], processed
    assert rig.again(fields) == ["m-0"]
    rig.connector.processed_although_failed = False
    rig.clock.advance(PATIENCE)
    capsys.readouterr()
    assert rig.again(fields) == []
    assert rig.connector.said == [["one", "one"] if processed else ["one"]]
    assert rig.received(fields)["repeated"] is True
    assert '"InboundRepeated":[1.0]' in capsys.readouterr().out.replace(" ", "")
    assert looked_at(caplog) == [fields["MessageSid"]]


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("processed", [True, False])
def test_an_opening_whose_answer_was_lost_is_found(
    rig: InboundRig, processed: bool, asked: bool
) -> None:
    """By what our bot was told of it; else LivePerson says that there is one, and another consumer
    takes over. Never are words said in two conversations."""
    if asked:
        rig.connector.opened = rig.bot_is_asked
    fields = inbound("one")
    rig.connector.failures = [VendorUnavailableError("lost")]
    rig.connector.processed_although_failed = processed
    assert rig.again(fields) == ["m-0"]
    assert rig.thread().state is ThreadState.OPENING
    rig.clock.advance(PATIENCE)
    assert rig.again(fields) == []
    opened = [[]] if processed and not asked else []
    assert rig.connector.said == [*opened, ["one"]]
    assert "repeated" not in rig.received(fields)


def test_a_lost_opening_is_looked_for_before_another_is_begun(rig: InboundRig) -> None:
    """Also where LivePerson would open a second one for the same consumer."""
    rig.connector.one_each, rig.connector.opened = False, rig.bot_is_asked
    rig.connector.failures = [VendorUnavailableError("lost")]
    rig.connector.processed_although_failed = True
    fields = inbound("one")
    assert rig.again(fields) == ["m-0"]
    rig.clock.advance(PATIENCE)
    assert rig.again(fields) == []
    assert rig.connector.said == [["one"]]


def test_somebody_who_is_still_opening_is_waited_for(rig: InboundRig) -> None:
    rig.connector.failures = [VendorUnavailableError("lost")]
    rig.connector.processed_although_failed = True
    rig.connector.opened = rig.bot_is_asked
    assert rig.again(inbound("one")) == ["m-0"]
    rig.clock.advance(119)
    assert rig.again(inbound("two")) == ["m-0"]
    rig.clock.advance(1)
    rig.texts("two")
    assert rig.connector.said == [["two"]]


def test_a_repeat_in_another_conversation_is_told_as_well(rig: InboundRig) -> None:
    """Said perhaps, then the conversation closed, then said again in a new one."""
    rig.texts("one")
    fields = inbound("two")
    rig.connector.failures = [VendorUnavailableError("lost")]
    rig.connector.processed_although_failed = True
    assert rig.again(fields) == ["m-0"]
    rig.connector.talks[0].is_open = False
    assert rig.again(fields) == []
    assert rig.connector.said == [["one", "two"], ["two"]]
    assert rig.received(fields)["repeated"] is True


def test_one_that_fails_does_not_stop_other_customers(rig: InboundRig) -> None:
    mine, also_mine, other = inbound("one"), inbound("two"), inbound("else", phone(1))
    rig.connector.failures = [VendorUnavailableError("lost")]
    assert rig.again(mine, also_mine, other) == ["m-0", "m-1"]
    assert rig.connector.said == [["else"]]


def test_without_time_for_one_more_they_come_again(rig: InboundRig) -> None:
    rig.remaining_s = 10
    assert rig.again(inbound("one"), inbound("two", phone(1))) == ["m-0", "m-1"]
    assert rig.connector.talks == []


# ---------------------------------------------------------------- numbers nobody knows


@pytest.mark.parametrize(
    ("changed", "customer"),
    [({"To": "+12125550199"}, True), ({"To": "12345"}, True), ({"From": "72345"}, False),
     ({"From": "BANK"}, False)],
)  # fmt: skip
def test_what_nobody_can_be_given_is_kept_for_a_person(
    rig: InboundRig, changed: dict[str, str], customer: bool, capsys: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    fields = inbound("Who is this?", MediaUrl0="https://api.twilio.com/x", **changed)
    assert rig.again(fields) == []
    assert '"InboundUnclaimed":[1.0]' in capsys.readouterr().out.replace(" ", "")
    assert looked_at(caplog) == [fields["MessageSid"]]
    assert rig.again(fields) == []
    assert '"InboundUnclaimed"' not in capsys.readouterr().out
    (kept,) = rig.services().unclaimed.waiting(now=rig.clock.now())
    assert (kept["body"], kept["sender"], kept["to"]) == (
        "Who is this?",
        fields["From"],
        fields["To"],
    )
    assert kept["media"] == ["https://api.twilio.com/x"]
    assert kept.get("customer") == (rig.name() if customer else None)
    assert rig.connector.talks == []


@pytest.mark.parametrize("state", ["releasing", "released"])
def test_a_text_to_a_number_that_was_given_back_is_kept_for_a_person(
    rig: InboundRig, state: str
) -> None:
    """No answer could go out from it: an associate would speak to nobody."""
    rig.texts("Hi")
    rig.give(SENDER, ANNAS, state=state)
    rig.texts("Still there?")
    rig.texts("please stop")
    assert rig.connector.said == [["Hi"]]
    kept = rig.services().unclaimed.waiting(now=rig.clock.now())
    assert [one["body"] for one in kept] == ["Still there?", "please stop"]
    assert rig.known().opted_out is not None


@pytest.mark.parametrize(
    ("number", "body"),
    [(KAY_NUMBER, "Hi"), (BRANCH_NUMBER, "STOP"), (OTHER, "Hi"), (OTHER, "please stop"),
     (SENDER, "Help")],
)  # fmt: skip
def test_a_text_from_a_number_of_ours_is_never_answered(
    rig: InboundRig, number: str, body: str, capsys: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A caller id is only told. Our bot would answer it, and then the answer, for ever."""
    rig.give(OTHER, Pointer(ACCOUNT, GROUP, BEN), state="quarantined")
    rig.connector.opened = rig.bot_is_asked
    fields = rig.texts(body, number)
    assert '"InboundOfOurs":[1.0]' in capsys.readouterr().out.replace(" ", "")
    assert looked_at(caplog) == [fields["MessageSid"]]
    assert (rig.connector.talks, rig.twilio.messages) == ([], [])
    assert rig.thread(number) is rig.known(number) is None
    assert list(rig.services().unclaimed.waiting(now=rig.clock.now())) == []


def test_a_number_that_was_given_back_is_somebody_elses_by_now(rig: InboundRig) -> None:
    rig.give(OTHER, Pointer(ACCOUNT, GROUP, BEN), state="released")
    rig.texts("Hi", OTHER)
    assert rig.connector.said == [["Hi"]]


def test_a_text_that_fails_comes_again_soon_and_takes_no_other_with_it(rig: InboundRig) -> None:
    """Shown again after 20 s, not after the queue's 390; at its last try it holds back no other."""
    one, two = inbound("one"), inbound("two")
    rig.connector.failures = [VendorError("no", vendor_status=400)] * 4
    assert rig.again(one, two) == ["m-0", "m-1"]
    assert rig.come_again == [(("r-0", "r-1"), 20)]
    assert rig.again(one, two, tries=8) == ["m-0"]
    assert rig.connector.said == [["two"]]


def test_a_stop_to_a_number_nobody_knows_counts_everywhere(rig: InboundRig) -> None:
    rig.with_line(lambda document: document.update(consent={"opt_out_scope": "banner"}))
    rig.clock.advance(61)
    rig.texts("Stop texting me", To="+12125550199")
    assert rig.known().opted_out is not None
    assert rig.twilio.messages == []


def test_without_a_line_in_the_program_texts_are_kept(rig: InboundRig) -> None:
    rig.without_line()
    rig.clock.advance(61)
    rig.texts("Hello?")
    rig.give(OTHER, ANNAS, banner="sears")
    rig.with_line()
    rig.clock.advance(61)
    rig.texts("Hello you?", To=OTHER)
    kept = rig.services().unclaimed.waiting(now=rig.clock.now())
    assert [one["body"] for one in kept] == ["Hello?", "Hello you?"]


def test_the_list_of_the_unclaimed_ends_with_sixty_days(rig: InboundRig) -> None:
    rig.texts("one", To="+12125550199")
    rig.clock.advance(59 * 86400)
    unclaimed = rig.services().unclaimed
    (kept,) = unclaimed.waiting(now=rig.clock.now())
    rig.clock.advance(2 * 86400)
    assert unclaimed.waiting(now=rig.clock.now()) == []
    unclaimed.settle(kept["pk"], kept["sk"])
    assert rig.table.get(kept["pk"], kept["sk"]) is None


def test_what_is_no_text_goes_to_the_dead_letters(rig: InboundRig) -> None:
    assert rig.again({"From": ANA, "MessageSid": "not a sid!"}) == ["m-0"]
    assert rig.again(inbound("fine")) == []


def test_nothing_personal_is_logged(
    rig: InboundRig, capsys: Any, caplog: pytest.LogCaptureFixture
) -> None:
    rig.texts("My secret is 42")
    rig.connector.failures = [VendorUnavailableError("lost")]
    rig.again(inbound("My secret is 42"))
    rig.texts("My secret is 42", To="+12125550199")
    told = capsys.readouterr().out + str([vars(record) for record in caplog.records])
    assert "Message taken" in told
    assert ANA[2:] not in told
    assert "secret is" not in told
