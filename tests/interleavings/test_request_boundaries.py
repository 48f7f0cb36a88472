"""Service requests killed before or after any one call: whoever comes next, the same request again
or the sweep, there is one confirmation, one entry of consent, one answer, one stamp (I4, I13)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.outreach_rig import ANNA, BEN, phone
from tests.request_rig import RequestRig, by_email, of_widget

from instore.adapters.consents import Consents
from instore.adapters.table import Table
from instore.consent_ledger import verify_chain
from instore.model import Phone
from instore.runtime.sweep_steps import steps_of
from instore.service_request import ServiceRequest, request_id

SIDES = [False, True]  # before the call took effect, after
TRANSACTION = "dynamodb.TransactWriteItems"


@pytest.fixture
def rig(table: Table, clock: Any) -> RequestRig:
    return RequestRig(table, clock)


def number(n: int) -> str:
    return phone(10 + n)


def boundaries_of(rig: RequestRig, action: Callable[[], Any]) -> list[str]:
    rig.boundaries.reset()
    action()
    return list(rig.boundaries.names)


def killed(rig: RequestRig, action: Callable[[], Any], n: int, *, after: bool) -> None:
    with rig.boundaries.killed(n, after=after):
        action()


def settle(rig: RequestRig) -> None:
    """The sweep, until nothing is left to find out."""
    for seconds in (70, 301, 901, 3601, 301):
        rig.clock.advance(seconds)
        rig.sweep()


def found(rig: RequestRig, key: str) -> ServiceRequest | None:
    return rig.services().requests.get(request_id("brand-site", key=key))


def entries(rig: RequestRig, caller: str) -> list[dict[str, Any]]:
    return Consents(rig.table).entries(rig.services().customers.id_of(Phone(caller)))


def facts_of(rig: RequestRig, request: str) -> list[str]:
    return sorted(one.kind for one in rig.facts() if one.name == request)


def lost(names: list[str], n: int, *, after: bool) -> bool:
    """Claimed, and killed before Twilio was asked: nobody can know that, so a person looks."""
    asked = names.index("twilio")
    claimed = max(m for m in range(asked) if names[m] == "dynamodb.UpdateItem")
    return claimed <= n < asked if after else claimed < n <= asked


@pytest.mark.slow
@pytest.mark.parametrize("who", ["site", "sweep"])
@pytest.mark.parametrize("after", SIDES)
@pytest.mark.parametrize("source", [{}, of_widget()], ids=["storefront", "widget"])
def test_submitted_and_killed_anywhere_there_is_one_of_everything(
    rig: RequestRig, source: dict[str, Any], after: bool, who: str
) -> None:
    def submit(n: int) -> Any:
        return rig.submit(source, key=f"k-{n}", phone=number(n))

    names = boundaries_of(rig, lambda: submit(80))
    assert (names.count("twilio"), names.count(TRANSACTION)) == (1, 2)  # the second: all is done
    written = names.index(TRANSACTION)
    for n in range(len(names)):
        killed(rig, lambda n=n: submit(n), n, after=after)  # type: ignore[misc]  # binds the loop's value
        if who == "site":
            assert submit(n)[0] in (200, 201)
        settle(rig)
        stands = who == "site" or (n >= written if after else n > written)
        request, where = found(rig, f"k-{n}"), (n, names[n])
        assert (request is not None) == stands, where
        texts = len(rig.twilio.to(number(n)))
        assert texts == (stands and not lost(names, n, after=after)), where
        assert len(entries(rig, number(n))) == stands, where
        assert verify_chain(entries(rig, number(n))) == [], where
        if request is None:
            continue
        assert (request.consent, request.noted, request.confirmed is None) == (1, True, False), (
            where
        )
        assert facts_of(rig, request.id) == ["request"], where
        customer = rig.services().customers.get(request.customer)
        assert customer is not None
        assert ("kay" in customer.bindings) is (not source), where
        assert rig.lists()["new_leads" if source else "my_requests"].count(request.id) == 1, where


@pytest.mark.slow
@pytest.mark.parametrize("who", ["associate", "sweep"])
@pytest.mark.parametrize("after", SIDES)
def test_claimed_and_killed_anywhere_it_lies_in_one_list_and_is_bound(
    rig: RequestRig, after: bool, who: str
) -> None:
    first = rig.took(of_widget(), key="k-80", phone=number(80))
    names = boundaries_of(rig, lambda: rig.claim(first, BEN))
    for n in range(len(names)):
        request = rig.took(of_widget(), key=f"k-{n}", phone=number(n))
        killed(rig, lambda r=request: rig.claim(r, BEN), n, after=after)  # type: ignore[misc]  # binds the loop's value
        written = names.index(TRANSACTION)
        stands = n >= written if after else n > written
        if who == "associate":
            assert rig.claim(request, BEN)[0] == 200
            stands = True
        settle(rig)
        where = (n, names[n])
        lists = rig.lists(BEN)
        assert (lists["new_leads"].count(request), lists["my_requests"].count(request)) == (
            not stands, stands), where  # fmt: skip
        customer = rig.services().customers.get(rig.request(request).customer)
        assert customer is not None
        assert ("kay" in customer.bindings) == stands, where
        assert len(rig.twilio.to(number(n))) == 1, where


@pytest.mark.slow
@pytest.mark.parametrize("who", ["associate", "sweep"])
@pytest.mark.parametrize("after", SIDES)
def test_answered_and_killed_anywhere_there_is_one_text_and_one_stamp(
    rig: RequestRig, after: bool, who: str
) -> None:
    first = rig.took(key="k-80", phone=number(80))
    names = boundaries_of(rig, lambda: rig.reply(first))
    assert (names.count("twilio"), names.count(TRANSACTION)) == (1, 3)  # asked, sent, timed
    for n in range(len(names)):
        request = rig.took(key=f"k-{n}", phone=number(n))
        rig.clock.advance(60)
        killed(rig, lambda r=request: rig.reply(r), n, after=after)  # type: ignore[misc]  # binds the loop's value
        written = names.index(TRANSACTION)
        stands = n >= written if after else n > written
        if who == "associate":
            assert rig.reply(request)[0] in (200, 202)
            stands = True
        settle(rig)
        where, stored = (n, names[n]), rig.request(request)
        went = stands and not lost(names, n, after=after)
        assert rig.twilio.to(number(n))[1:] == ["It is in store now."] * went, where
        # Nobody can know that it did not go: the associate's part is done.
        assert (stored.replied_at is not None) == stands, where
        assert stored.replies == (), where
        kinds = ["reply", "request"] if stands else ["request"]
        assert facts_of(rig, request) == kinds, where


@pytest.mark.slow
@pytest.mark.parametrize("after", SIDES)
@pytest.mark.parametrize("who", ["associate", "sweep"])
def test_answered_by_email_and_killed_anywhere_there_is_one_letter(
    rig: RequestRig, after: bool, who: str
) -> None:
    def took(n: int) -> str:
        return rig.took(by_email(email=f"c{n}@mail.example"), key=f"k-{n}")

    first = took(80)
    names = boundaries_of(rig, lambda: rig.reply(first))
    assert names.count("mail") == 1
    for n in range(len(names)):
        request = took(n)
        killed(rig, lambda r=request: rig.reply(r), n, after=after)  # type: ignore[misc]  # binds the loop's value
        written = names.index(TRANSACTION)
        stands = n >= written if after else n > written
        if who == "associate":
            assert rig.reply(request)[0] == 200
            stands = True
        settle(rig)
        letters = [one for one in rig.mail.letters.values() if one.request == request]
        assert len(letters) == stands, (n, names[n])
        assert (rig.request(request).replied_at is not None) == stands


@pytest.mark.slow
@pytest.mark.parametrize("after", SIDES)
def test_the_sweeps_step_killed_anywhere_goes_on_in_the_next_minute(
    rig: RequestRig, after: bool
) -> None:
    """It finds an answer that waited for its hours: texts it, times it, tells of it."""
    night = rig.clock.now() + timedelta(hours=10)

    def waiting(n: int) -> str:
        rig.clock.advance((night - rig.clock.now()).total_seconds())  # the same night every time
        request = rig.took(key=f"k-{n}", phone=number(n))
        rig.clock.advance(20 * 60)
        assert rig.reply(request, text=f"answer {n}")[1]["delivery"] == "deferred"
        rig.clock.advance(14 * 3600)  # it is day
        return request

    def step(request: str) -> None:
        with rig.process() as house:
            list(
                steps_of(house, remaining=lambda: 60.0)["REQUEST"](
                    (f"REQUEST#{request}", "REQUEST")
                )
            )

    first = waiting(80)
    names = boundaries_of(rig, lambda: step(first))
    assert (names.count("twilio"), names.count(TRANSACTION)) == (1, 2)
    for n in range(len(names)):
        request = waiting(n)
        killed(rig, lambda r=request: step(r), n, after=after)  # type: ignore[misc]  # binds the loop's value
        settle(rig)
        where = (n, names[n])
        went = not lost(names, n, after=after)
        assert rig.twilio.to(number(n))[1:] == [f"answer {n}"] * went, where
        assert rig.request(request).replied_at is not None, where
        assert facts_of(rig, request) == ["reply", "request"], where


def test_a_mail_that_answers_too_late_is_asked_again_with_the_same_key(rig: RequestRig) -> None:
    from instore.errors import VendorUnavailableError

    request = rig.took(by_email())
    rig.mail.failures = [VendorUnavailableError("time-out")] * 2
    rig.mail.processed_although_failed = True
    assert rig.reply(request, ANNA)[0] == 202
    settle(rig)
    assert len(set(rig.mail.asked)) == len(rig.mail.letters) == 1
    assert len(rig.mail.asked) == 3
    assert rig.look(request)[1]["replies"][0]["state"] == "sent"
