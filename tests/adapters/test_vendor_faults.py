"""Every call to LivePerson under every fault: which error, how many requests, was it processed.

The table is the promise. Rows are faults, columns the kinds of calls; what a call does after an
error is its caller's business, so nothing here repeats anything except after a refused credential.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.adapters.fault_table import ANY_CALL, GARBAGE, Fault, oversize, refusals
from tests.adapters.vendor_rig import ACCOUNT, Rig, good

from instore.adapters.liveperson import Campaign
from instore.errors import (
    VendorError,
    VendorGarbageError,
    VendorNotAuthorizedError,
    VendorNotReachedError,
    VendorThrottledError,
    VendorUnavailableError,
)
from instore.model import Phone

ANA = Phone("+12125550111")
CAMPAIGN = Campaign("n", "s", "t", Phone("+12125550100"), ((ANA, ()),))

CALLS: dict[str, Callable[[Rig], Any]] = {
    "users": lambda rig: rig.liveperson.users(ACCOUNT),
    "groups": lambda rig: rig.liveperson.groups(ACCOUNT),
    "skills": lambda rig: rig.liveperson.skills(ACCOUNT),
    "user": lambda rig: rig.liveperson.user(ACCOUNT, user_id="7"),
    "agent_view": lambda rig: rig.liveperson.agent_view(
        ACCOUNT, agent_ids=["7"], now=rig.clock.now()
    ),
    "start_campaign": lambda rig: rig.liveperson.start_campaign(ACCOUNT, campaign=CAMPAIGN),
    "campaign_status": lambda rig: rig.liveperson.campaign_status(ACCOUNT, campaign_id="c"),
    "campaign_name": lambda rig: rig.liveperson.campaign_name(ACCOUNT, campaign_id="c"),
    "transactions": lambda rig: rig.liveperson.transactions(
        ACCOUNT, start=rig.clock.now() - timedelta(hours=1), end=rig.clock.now()
    ),
    "write_context": lambda rig: rig.liveperson.write_context(
        ACCOUNT, namespace="n", session="s", properties={"p": 1}
    ),
    "token_keys": lambda rig: rig.liveperson.token_keys(ACCOUNT),
}
READS_NOTHING = {"write_context"}  # any 2xx is its whole answer
LARGEST = {"users": 20, "groups": 20, "skills": 20, "transactions": 10}  # MB, else one


FAULTS: dict[str, Fault] = {
    **ANY_CALL, **refusals(VendorError),
    "401 twice": (lambda _: httpx.Response(401), VendorNotAuthorizedError, 2, False),
    "403 twice": (lambda _: httpx.Response(403), VendorNotAuthorizedError, 2, False),
    "429": (lambda _: httpx.Response(429), VendorThrottledError, 1, False),
    "429 with Retry-After":
        (lambda _: httpx.Response(429, headers={"retry-after": "7"}),
         VendorThrottledError, 1, False),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", CALLS)
def test_fault(clock: Any, call: str, fault: str) -> None:
    happens, error, requests, processed = FAULTS[fault]
    rig = Rig(clock)
    rig.script = [happens(rig)]
    with pytest.raises(VendorError) as caught:
        CALLS[call](rig)
    raised = caught.value
    assert (type(raised), len(rig.seen)) == (error, requests)
    assert raised.processed is processed
    assert raised.retryable is (error not in (VendorError, VendorNotAuthorizedError,
                                              VendorGarbageError))  # fmt: skip
    assert "555" not in str(raised)
    if isinstance(raised, VendorThrottledError):
        assert raised.retry_after == (7.0 if "Retry-After" in fault else None)


@pytest.mark.parametrize("kind", [*GARBAGE, "oversize"])
@pytest.mark.parametrize("call", [name for name in CALLS if name not in READS_NOTHING])
def test_garbage_is_no_information(clock: Any, call: str, kind: str) -> None:
    rig = Rig(clock, oversize(LARGEST.get(call, 1)) if kind == "oversize" else GARBAGE[kind]())
    with pytest.raises(VendorError) as caught:
        CALLS[call](rig)
    assert (type(caught.value), caught.value.processed) == (VendorGarbageError, None)
    assert len(rig.seen) == 1


@pytest.mark.parametrize("call", CALLS)
def test_one_refused_credential_is_renewed(clock: Any, call: str) -> None:
    """The second request carries a new token; a campaign refused so was not processed."""
    rig = Rig(clock, httpx.Response(401), httpx.Response(400))
    with pytest.raises(VendorError) as caught:
        CALLS[call](rig)
    assert (type(caught.value), len(rig.seen)) == (VendorError, 2)
    tokens = [r.headers.get("authorization") for r in rig.seen]
    if call not in ("agent_view", "write_context", "token_keys"):
        assert tokens == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize("stage", ["domain", "tokens"])
@pytest.mark.parametrize(
    "fault",
    [httpx.ConnectError("no"), httpx.ReadTimeout("slow"), httpx.Response(500),
     httpx.Response(200, text="<html>")],
    ids=["refused", "time-out", "500", "HTML"],
)  # fmt: skip
def test_what_fails_before_the_campaign_means_nobody_was_texted(
    clock: Any, stage: str, fault: Any
) -> None:
    rig = Rig(clock)
    setattr(rig, stage, [fault])
    with pytest.raises(VendorNotReachedError) as caught:
        rig.liveperson.start_campaign(ACCOUNT, campaign=CAMPAIGN)
    assert (caught.value.processed, caught.value.retryable, rig.seen) == (False, True, [])


def test_token_lost_between_two_tries_of_a_campaign_means_nobody_was_texted(clock: Any) -> None:
    rig = Rig(clock, httpx.Response(401))
    rig.tokens = [good({"access_token": "a", "expires_in": 60}), httpx.Response(500)]
    with pytest.raises(VendorNotReachedError):
        rig.liveperson.start_campaign(ACCOUNT, campaign=CAMPAIGN)
    assert len(rig.seen) == 1


def test_second_try_of_a_campaign_that_is_lost_is_unknown(clock: Any) -> None:
    rig = Rig(clock, httpx.Response(401), httpx.ReadTimeout("slow"))
    with pytest.raises(VendorUnavailableError) as caught:
        rig.liveperson.start_campaign(ACCOUNT, campaign=CAMPAIGN)
    assert (type(caught.value), caught.value.processed) == (VendorUnavailableError, None)
    assert len(rig.seen) == 2


def test_retry_after_as_a_date_is_not_told(clock: Any) -> None:
    rig = Rig(clock, httpx.Response(429, headers={"retry-after": "Wed, 18 Nov 2026 17:00:07 GMT"}))
    with pytest.raises(VendorThrottledError) as caught:
        CALLS["users"](rig)
    assert caught.value.retry_after is None
