"""LivePerson's two shapes -> one model; anything malformed is no information (I12)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from instore.assignment import (
    Agent,
    ConversationChange,
    Kind,
    Seat,
    from_message,
    hear_relay,
    hear_webhook,
)
from instore.errors import BadInputError

ACCOUNT = "20000001"
TS = 1_795_000_000_123
AGENT = "0a9e0000-0000-4000-8000-000000000001"
OTHER = "0a9e0000-0000-4000-8000-000000000002"
MEMBER = "c0" * 32


def state(**details: Any) -> dict[str, Any]:
    """A cqm.ExConversationChangeNotification with one change."""
    whole = {
        "participants": [{"id": AGENT, "role": "ASSIGNED_AGENT"}, {"id": MEMBER, "role": "CONSUMER"}],
        "brandId": ACCOUNT, "state": "OPEN", "startTs": TS - 9, "metaDataLastUpdateTs": TS,
    } | details  # fmt: skip
    return {"kind": "notification", "type": "cqm.ExConversationChangeNotification",
            "body": {"changes": [{"type": "UPSERT", "result": {
                "convId": "conv-1", "conversationDetails": whole}}]}}  # fmt: skip


def words(text: Any, *, role: str = "CONSUMER", **changed: Any) -> dict[str, Any]:
    """An ms.MessagingEventNotification with one text; the older shape without conversationId."""
    who = {"id": MEMBER if role == "CONSUMER" else AGENT, "role": role}
    change = {"sequence": 3, "originatorId": who["id"], "originatorMetadata": who,
              "serverTimestamp": TS, "dialogId": "conv-1",
              "event": {"type": "ContentEvent", "message": text, "contentType": "text/plain"},
              } | changed  # fmt: skip
    return {"kind": "notification", "type": "ms.MessagingEventNotification",
            "body": {"changes": [change]}}  # fmt: skip


def main(*people: dict[str, str], **changed: Any) -> list[dict[str, Any]]:
    return [{"dialogId": "conv-1", "dialogType": "MAIN", "state": "OPEN",
             "participantsDetails": list(people), "metaDataLastUpdateTs": TS} | changed]  # fmt: skip


def agent(pid: str = AGENT, **changed: str) -> dict[str, str]:
    return {"id": pid, "role": "ASSIGNED_AGENT"} | changed


def only(document: dict[str, Any]) -> ConversationChange:
    heard = hear_webhook(ACCOUNT, document)
    assert heard.ignored == 0
    (change,) = heard.changes
    return change


def test_assigned_in_the_older_shape() -> None:
    change = only(state())
    assert change == ConversationChange(
        ACCOUNT, "conv-1", Kind.STATE, TS, agents=(Agent(AGENT),), consumer=MEMBER
    )
    assert change.assigned == (AGENT,)
    assert change.rank == 2


@pytest.mark.parametrize(
    ("told", "seat", "assigned"),
    [("ACTIVE", Seat.ACTIVE, (AGENT,)), ("SUGGESTED", Seat.SUGGESTED, ()),
     ("NOT_YET_INVENTED", Seat.SUGGESTED, ())],
)  # fmt: skip
def test_only_active_is_assigned_where_a_state_is_told(
    told: str, seat: Seat, assigned: tuple[str, ...]
) -> None:
    change = only(state(dialogs=main(agent(state=told))))
    assert change.agents == (Agent(AGENT, seat),)
    assert change.assigned == assigned
    assert change.rank == (2 if assigned else 1)


def test_a_suggested_agent_may_be_named_in_the_dialog_only() -> None:
    nobody = [{"id": MEMBER, "role": "CONSUMER"}]
    change = only(state(participants=nobody, dialogs=main(agent(state="SUGGESTED"))))
    assert change.agents == (Agent(AGENT, Seat.SUGGESTED),)


def test_dialog_without_states_counts_as_assigned() -> None:
    assert only(state(dialogs=main(agent()))).assigned == (AGENT,)


def test_survey_dialogs_and_other_roles_are_not_agents() -> None:
    survey = main(agent(OTHER, state="ACTIVE"), dialogType="POST_SURVEY")
    people = [{"id": OTHER, "role": role} for role in ("MANAGER", "READER", "CONTROLLER", "AGENT")]
    change = only(state(participants=people, dialogs=survey))
    assert change.agents == ()
    assert change.rank == 0


def test_the_newest_time_of_conversation_and_dialog_counts() -> None:
    assert only(state(dialogs=main(agent(), metaDataLastUpdateTs=TS + 5))).ts == TS + 5
    assert only(state(dialogs=[{"dialogType": "MAIN"}])).ts == TS


def test_closed() -> None:
    change = only(state(state="CLOSE"))
    assert change.closed
    assert change.rank == 3


@pytest.mark.parametrize(
    ("role", "kind"), [("ASSIGNED_AGENT", Kind.AGENT_TEXT), ("AGENT", Kind.COLLEAGUE_TEXT),
                       ("MANAGER", Kind.COLLEAGUE_TEXT)],
)  # fmt: skip
def test_words_of_our_side_go_along_for_the_line(role: str, kind: Kind) -> None:
    change = only(words("Hello, I am here now\n", role=role, messageAudience="ALL"))
    assert change == ConversationChange(
        ACCOUNT, "conv-1", kind, TS, agents=(Agent(AGENT),), words="Hello, I am here now",
        event="conv-1#3",
    )  # fmt: skip
    assert from_message(change.as_message()) == change
    assert only(words("x" * 9000, role=role)).words == "x" * 8000


@pytest.mark.parametrize("change", [{"messageAudience": "AGENTS_AND_MANAGERS"},
                                    {"event": {"type": "ContentEvent", "message": {"a": 1}}}])  # fmt: skip
def test_what_agents_say_among_themselves_is_a_fact_without_words(change: dict[str, Any]) -> None:
    told = only(words("He is difficult", role="ASSIGNED_AGENT", **change))
    assert told == ConversationChange(
        ACCOUNT, "conv-1", Kind.AGENT_TEXT, TS, agents=(Agent(AGENT),)
    )
    assert "difficult" not in str(told.as_message())
    assert hear_webhook(ACCOUNT, words("He is difficult", role="MANAGER", **change)).changes == ()


def test_a_stop_in_plain_words_is_a_revocation() -> None:
    change = only(words(" STOP ", conversationId="conv-2"))
    assert change == ConversationChange(
        ACCOUNT, "conv-2", Kind.REVOCATION, TS, consumer=MEMBER, words="STOP", event="conv-1#3"
    )


def test_a_start_is_a_restart_and_what_may_answer_a_question_is_not() -> None:
    change = only(words(" Unstop! "))
    assert (change.kind, change.words, change.event) == (Kind.RESTART, "Unstop!", "conv-1#3")
    assert from_message(change.as_message()) == change
    for text in ("resume", "alta", "yes", "start over please"):
        assert hear_webhook(ACCOUNT, words(text)).changes == ()


def test_a_stop_without_a_number_has_no_name() -> None:
    for odd in ({"sequence": None}, {"sequence": True}, {"sequence": "3"}):
        assert only(words("STOP", **odd)).event == ""
    assert only(words("STOP", dialogId=None, conversationId="conv-1")).event == ""


def test_a_stop_with_half_an_emoji_can_be_stored() -> None:
    assert only(words("STOP \ud83d")).words == "STOP \ufffd"
    long = only(words("STOP  " + "\ud83d\udc4b" * 300)).words
    assert long == "STOP  " + "👋" * 247
    odd = only(words("STOP " + "\ud83d\udc4b" * 300)).words
    assert odd == "STOP " + "👋" * 247 + "\ufffd"


@pytest.mark.parametrize("text", ["Do you stop by tomorrow?", "", 7, None])
def test_other_words_of_customers_stay_where_they_are(text: Any) -> None:
    assert hear_webhook(ACCOUNT, words(text)).changes == ()


@pytest.mark.parametrize("role", ["READER", "CONTROLLER"])
def test_words_of_onlookers_are_nothing(role: str) -> None:
    assert hear_webhook(ACCOUNT, words("STOP", role=role)).changes == ()


@pytest.mark.parametrize(
    "event", [{"type": "ChatStateEvent", "chatState": "COMPOSING"},
              {"type": "AcceptStatusEvent", "status": "READ", "sequenceList": [0]},
              {"type": "RichContentEvent", "content": {}}],
)  # fmt: skip
def test_other_events_are_ignored(event: dict[str, Any]) -> None:
    heard = hear_webhook(ACCOUNT, words("", role="ASSIGNED_AGENT", event=event))
    assert (heard.changes, heard.ignored) == ((), 1)


@pytest.mark.parametrize(
    "document",
    [None, [], "text", 7, {}, {"type": "cqm.ExConversationChangeNotification"},
     {"type": "cqm.ExConversationChangeNotification", "body": []},
     {"type": "cqm.ExConversationChangeNotification", "body": {"changes": {}}},
     {"type": "zz.NeverSeen", "body": {"changes": [{}]}}, {"type": ["x"], "body": {"changes": []}}],
)  # fmt: skip
def test_documents_of_no_known_kind_are_ignored(document: Any) -> None:
    heard = hear_webhook(ACCOUNT, document)
    assert (heard.changes, heard.ignored) == ((), 1)


@pytest.mark.parametrize(
    "details",
    [{"state": "HALF_OPEN"}, {"metaDataLastUpdateTs": None}, {"metaDataLastUpdateTs": 1_795_000_000},
     {"metaDataLastUpdateTs": str(TS)}, {"metaDataLastUpdateTs": True}, {"participants": None},
     {"participants": [{"role": "ASSIGNED_AGENT"}]}, {"participants": [7]},
     {"participants": [{"id": "a b", "role": "CONSUMER"}]}, {"brandId": "99999999"},
     {"dialogs": [7]}, {"dialogs": main({"role": "ASSIGNED_AGENT"})},
     {"dialogs": main(agent(), metaDataLastUpdateTs="soon")}],
)  # fmt: skip
def test_a_malformed_entry_is_no_information(details: dict[str, Any]) -> None:
    heard = hear_webhook(ACCOUNT, state(**details))
    assert (heard.changes, heard.ignored) == ((), 1)


def test_a_good_entry_beside_a_malformed_one_is_kept() -> None:
    document = state()
    broken = copy.deepcopy(document["body"]["changes"][0])
    broken["result"]["convId"] = "not an id"
    document["body"]["changes"] += [broken, None, {"result": None}]
    heard = hear_webhook(ACCOUNT, document)
    assert (len(heard.changes), heard.ignored) == (1, 3)


def relayed(kind: str = "YOU_ARE_CONNECTED_TO", **general: Any) -> dict[str, Any]:
    people = [agent(), {"id": MEMBER, "role": "CONSUMER"}]
    return {"account": ACCOUNT, "payload": {
        "general": {"cbotEventType": kind, "convId": "conv-1", "newConvState": "OPEN",
                    "serverTimestamp": TS} | general,
        "participantChange": {"oldParticipants": [], "newParticipants": people}}}  # fmt: skip


def test_a_relayed_change_is_the_same_change() -> None:
    heard = hear_relay(relayed(), relayed_ms=TS + 999)
    assert heard.changes == (only(state()),)


def test_a_relayed_change_without_time_has_the_relays() -> None:
    document = relayed()
    del document["payload"]["general"]["serverTimestamp"]
    (change,) = hear_relay(document, relayed_ms=TS + 999).changes
    assert change.ts == TS + 999


def test_relayed_back_to_queue_and_close() -> None:
    document = relayed("BACK_TO_QUEUE", newConvState="CLOSE")
    document["payload"]["participantChange"]["newParticipants"] = []
    (change,) = hear_relay(document, relayed_ms=TS).changes
    assert (change.agents, change.consumer, change.closed) == ((), "", True)


@pytest.mark.parametrize("kind", ["ANOTHER_AGENT_JOINED_CONVERSATION", "ENGAGEMENT_TRANSFERED", []])
def test_relayed_events_about_others_are_ignored(kind: Any) -> None:
    heard = hear_relay(relayed(kind), relayed_ms=TS)
    assert (heard.changes, heard.ignored) == ((), 1)


@pytest.mark.parametrize(
    "document", [[], {}, {"payload": {}}, {"account": "No Account", "payload": {}}, {"account": 7}]
)
def test_a_wrong_relay_envelope_is_refused(document: Any) -> None:
    with pytest.raises(BadInputError) as error:
        hear_relay(document, relayed_ms=TS)
    assert error.value.public_code == "bad_relay"


@pytest.mark.parametrize(
    "document", [state(), state(dialogs=main(agent(state="SUGGESTED"))), state(state="CLOSE"),
                 words("x", role="ASSIGNED_AGENT"), words("STOP")],
)  # fmt: skip
def test_a_change_comes_out_of_the_queue_as_it_went_in(document: dict[str, Any]) -> None:
    change = only(document)
    assert from_message(change.as_message()) == change


@pytest.mark.parametrize(
    "broken", [{"kind": "poem"}, {"ts": "now"}, {"state": "AJAR"}, {"agents": [{"pid": AGENT}]},
               {"agents": None}, {"account": "a#b"}, {"conversation": ""}],
)  # fmt: skip
def test_poison_in_the_queue_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(BadInputError) as error:
        from_message(only(state()).as_message() | broken)
    assert error.value.public_code == "bad_change"


@pytest.mark.parametrize("message", [None, [], "x", {}])
def test_poison_of_another_shape_is_refused(message: Any) -> None:
    with pytest.raises(BadInputError):
        from_message(message)
