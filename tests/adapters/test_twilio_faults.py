"""Every call to Twilio under every fault: which error, how many requests, was it processed; and
fuzzed answers, none of which may become a yes (I12)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.adapters.fault_table import ANY_CALL, GARBAGE, Fault, oversize, refusals
from tests.adapters.twilio_rig import (
    ANA,
    LINE,
    NUMBER,
    SEND,
    SERVICE,
    SHOP,
    SID,
    TEXT,
    Rig,
    for_sale,
    owned,
    text,
)

from instore.carrier import Candidate, MessageSeen, Owned, SentText
from instore.errors import (
    TwilioRefusedError,
    VendorError,
    VendorGarbageError,
    VendorNotAuthorizedError,
    VendorThrottledError,
    VendorUnavailableError,
)

CALLS: dict[str, Callable[[Rig], Any]] = {
    "send": lambda rig: rig.twilio.send(LINE, **SEND),
    "fetch": lambda rig: rig.twilio.fetch(LINE, sid=TEXT),
    "list": lambda rig: rig.twilio.list(LINE, to=ANA, sender=SHOP),
    "search": lambda rig: rig.twilio.search(LINE, country="US"),
    "buy": lambda rig: rig.twilio.buy(LINE, number=SHOP, tag="t", sms_url="https://a.test/",
                                      voice_url="https://a.test/"),
    "owned": lambda rig: rig.twilio.owned(LINE),
    "configure": lambda rig: rig.twilio.configure(LINE, sid=NUMBER, tag="t"),
    "release": lambda rig: rig.twilio.release(LINE, sid=NUMBER),
    "add_to_service": lambda rig: rig.twilio.add_to_service(LINE, service=SERVICE, sid=NUMBER),
}  # fmt: skip
SAYS_NOTHING = {"release"}  # its status is its whole answer
ASKS = {"fetch", "list", "search", "owned"}  # GET: larger answers


FAULTS: dict[str, Fault] = {
    **ANY_CALL, **refusals(TwilioRefusedError),
    "405": (lambda _: httpx.Response(405), TwilioRefusedError, 1, False),
    "401": (lambda _: httpx.Response(401), VendorNotAuthorizedError, 1, False),
    "403": (lambda _: httpx.Response(403), VendorNotAuthorizedError, 1, False),
    "429 for ever": (lambda _: httpx.Response(429), VendorThrottledError, 5, False),
    "304": (lambda _: httpx.Response(304), VendorGarbageError, 1, None),
}  # fmt: skip
ODD_ANSWERS: dict[str, Callable[[], httpx.Response]] = {
    **GARBAGE,
    "XML": lambda: httpx.Response(200, text="<TwilioResponse/>"),
    "an error with 200": lambda: httpx.Response(200, json={"code": 21710, "status": 400}),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", CALLS)
def test_fault(clock: Any, call: str, fault: str) -> None:
    happens, error, requests, processed = FAULTS[fault]
    rig = Rig(clock)
    rig.script = [happens(rig)]
    with pytest.raises(VendorError) as caught:
        CALLS[call](rig)
    raised = caught.value
    assert (type(raised), len(rig.seen), raised.processed) == (error, requests, processed)
    assert raised.retryable is issubclass(error, VendorUnavailableError | VendorThrottledError)
    assert "555" not in str(raised)


@pytest.mark.parametrize("kind", [*ODD_ANSWERS, "oversize"])
@pytest.mark.parametrize("call", [name for name in CALLS if name not in SAYS_NOTHING])
def test_garbage_is_no_information(clock: Any, call: str, kind: str) -> None:
    large = 5 if call in ASKS else 1
    rig = Rig(clock, oversize(large) if kind == "oversize" else ODD_ANSWERS[kind]())
    with pytest.raises(VendorError) as caught:
        CALLS[call](rig)
    assert (type(caught.value), caught.value.processed, len(rig.seen)) == (
        VendorGarbageError, None, 1,
    )  # fmt: skip


@pytest.mark.parametrize("after", [httpx.ReadTimeout("slow"), httpx.Response(500)])
@pytest.mark.parametrize("call", CALLS)
def test_what_is_lost_after_a_429_is_not_tried_again(clock: Any, call: str, after: Any) -> None:
    rig = Rig(clock, httpx.Response(429), after)
    with pytest.raises(VendorUnavailableError) as caught:
        CALLS[call](rig)
    assert (caught.value.processed, len(rig.seen)) == (None, 2)


# ---------------------------------------------------------------- fuzz: I12

ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from([TEXT, NUMBER, SID, SERVICE, "queued", "+12125550140", "21610", "0", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
WHOLE = {
    "send": text(), "fetch": text(), "list": {"messages": [text()], "next_page_uri": None},
    "search": {"available_phone_numbers": [for_sale("+12125550150")]},
    "buy": owned(), "configure": owned(),
    "owned": {"incoming_phone_numbers": [owned()], "next_page_uri": None},
    "add_to_service": {"sid": NUMBER, "account_sid": SID, "service_sid": SERVICE},
}  # fmt: skip
# What an answer has to be made of before it may be believed: nothing of it may be bent.
BELIEVED = {
    "send": {"sid", "account_sid", "status", "num_segments", "error_code"},
    "fetch": {"sid", "account_sid", "status", "error_code", "body", "date_created", "to", "from"},
    "buy": {"sid", "account_sid", "phone_number", "friendly_name", "sms_url", "voice_url"},
    "add_to_service": {"sid", "account_sid", "service_sid"},
}
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def is_sound(value: Any) -> bool:
    """What a yes is made of has the right types all through, whatever the answer was."""
    if isinstance(value, list):
        return all(is_sound(one) for one in value)
    if isinstance(value, SentText):
        return (
            re.fullmatch("(SM|MM)[0-9a-fA-F]{32}", value.sid) is not None
            and value.segments >= 0
            and isinstance(value.status, str)
        )
    if isinstance(value, MessageSeen):
        return (
            re.fullmatch("(SM|MM)[0-9a-fA-F]{32}", value.sid) is not None
            and value.created_at.tzinfo is not None
        )
    if isinstance(value, Owned):
        return value.sid[:2] == "PN" and all(
            isinstance(x, str) for x in (value.friendly_name, value.sms_url)
        )
    return value is None or isinstance(value, Candidate)


@pytest.mark.parametrize("call", [name for name in CALLS if name not in SAYS_NOTHING])
@FUZZ
@given(answer=ODD)
def test_an_odd_answer_is_never_a_yes(clock: Any, call: str, answer: Any) -> None:
    rig = Rig(clock, httpx.Response(200, content=json.dumps(answer)))
    with pytest.raises(VendorGarbageError) as caught:
        CALLS[call](rig)
    assert caught.value.processed is None


@pytest.mark.parametrize("call", WHOLE)
@FUZZ
@given(data=st.data())
def test_a_bent_answer_is_a_yes_only_if_it_can_be_read_as_one(
    clock: Any, call: str, data: st.DataObject
) -> None:
    answer = json.loads(json.dumps(WHOLE[call]))
    lists = [value for value in answer.values() if isinstance(value, list)]
    target = lists[0][0] if call in ("list", "search", "owned") else answer
    name = data.draw(st.sampled_from(sorted(target)))
    target[name] = data.draw(ODD)
    rig = Rig(clock, httpx.Response(200, content=json.dumps(answer)))
    try:
        said = CALLS[call](rig)
    except VendorGarbageError:
        return
    assert is_sound(said)
    assert target.get("account_sid", SID) == SID  # nothing about another account is believed


@pytest.mark.parametrize(("call", "names"), BELIEVED.items())
def test_what_is_believed_cannot_be_left_out(clock: Any, call: str, names: set[str]) -> None:
    may_be_absent = {"error_code", "to", "from", "sms_url", "voice_url"}
    for name in names - may_be_absent:
        answer = {key: value for key, value in WHOLE[call].items() if key != name}
        with pytest.raises(VendorGarbageError):
            CALLS[call](Rig(clock, httpx.Response(200, json=answer)))
