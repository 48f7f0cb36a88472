"""The process is killed before or after any one call while a caller presses the digit: whoever comes
next, Twilio again, the end of the call or the sweep, there is one consent, one text, one measure."""

from __future__ import annotations

from typing import Any

import pytest
from tests.call_rig import CallRig, sid_of
from tests.interleavings.switching import switched_orders
from tests.outreach_rig import phone

from instore import deflecting
from instore.adapters.consents import Consents
from instore.adapters.table import Table
from instore.call_answers import Ring
from instore.consent_ledger import verify_chain
from instore.deflection import CallState
from instore.model import Phone
from instore.runtime.means import deflecting_means

SIDES = [False, True]  # before the call took effect, after
TRANSACTION = "dynamodb.TransactWriteItems"


@pytest.fixture
def rig(table: Table, clock: Any) -> CallRig:
    return CallRig(table, clock)


def number(n: int) -> str:
    """Of the n-th caller: none of our own."""
    return phone(10 + n)


def acceptance(rig: CallRig) -> list[str]:
    """The boundaries that the press of a digit crosses."""
    rig.ask_us(call=99, number=phone(199))
    rig.boundaries.reset()
    rig.press(call=99, number=phone(199))
    return list(rig.boundaries.names)


def killed_at_each(rig: CallRig, names: list[str], *, after: bool, who: str) -> None:
    """The n-th caller's press of the digit is killed at the n-th boundary; who comes next, and then
    the sweep until nothing is left to find out."""
    for n in range(len(names)):
        rig.ask_us(call=n, number=number(n))
        with rig.boundaries.killed(n, after=after):
            rig.press(call=n, number=number(n))
        if who == "twilio":
            rig.press(call=n, number=number(n))
        if who == "end":
            rig.hang_up(call=n, number=number(n))
    for seconds in (70, 301, 301, 901, 3601, 3601, 301):
        rig.clock.advance(seconds)
        rig.sweep()


def entries(rig: CallRig, n: int) -> list[dict[str, Any]]:
    return entries_of(rig, number(n))


def measured(rig: CallRig, n: int) -> list[str]:
    days = ("2026-11-18", "2026-11-19", "2026-11-20")
    return sorted(one.kind for day in days for one in rig.measured(day) if one.name == sid_of(n))


@pytest.mark.parametrize("after", SIDES)
@pytest.mark.parametrize(("who", "push"), [
    ("twilio", "no push"), ("end", "no push"), ("sweep", "no push"), ("sweep", "not enrolled"),
    pytest.param("twilio", "not enrolled", marks=pytest.mark.slow),
    pytest.param("end", "not enrolled", marks=pytest.mark.slow),
])  # fmt: skip
def test_killed_anywhere_there_is_one_consent_one_text_one_measure(
    rig: CallRig, after: bool, who: str, push: str
) -> None:
    rig.with_branch(push=push != "no push")
    names = acceptance(rig)
    assert (names.count("twilio"), names.count(TRANSACTION)) == (1, 1)
    consented, asked = names.index(TRANSACTION), names.index("twilio")
    claimed = max(n for n in range(asked) if names[n] == "dynamodb.UpdateItem")
    killed_at_each(rig, names, after=after, who=who)
    for n in range(len(names)):
        where = (n, names[n])
        pressed = who == "twilio" or (n >= consented if after else n > consented)
        # Claimed, and killed before Twilio was asked: nobody can know that, so a person looks.
        lost = (claimed <= n < asked) if after else (claimed < n <= asked)
        texts = len(rig.twilio.to(number(n)))
        assert texts == (pressed and not lost), where
        assert len(entries(rig, n)) == pressed, where
        assert verify_chain(entries(rig, n)) == [], where
        call = rig.call(n)
        if pressed:
            state = CallState.TEXTED if texts else CallState.NOT_TEXTED
            kinds = ["accepted", "offered", *(["texted"] if texts else [])]
        else:
            state = CallState.HUNG_UP if who == "end" else CallState.OFFERED
            kinds = ["offered"]
        assert (call.state, call.due_at, measured(rig, n)) == (state, None, kinds), where


@pytest.mark.parametrize("who", ["twilio", "end", "sweep"])
@pytest.mark.parametrize("after", SIDES)
def test_killed_around_a_push_there_is_one_push_and_no_text_beside_it(
    rig: CallRig, after: bool, who: str
) -> None:
    rig.with_branch(push=True)
    rig.push.enrolled = {number(n) for n in range(20)} | {phone(199)}
    names = acceptance(rig)
    assert (names.count("push"), names.count("twilio")) == (1, 0)
    consented = names.index(TRANSACTION)
    killed_at_each(rig, names, after=after, who=who)
    for n in range(len(names)):
        pressed = who == "twilio" or (n >= consented if after else n > consented)
        assert (f"call-{sid_of(n)}" in rig.push.pushed) == pressed, (n, names[n])
        assert rig.twilio.to(number(n)) == []
        assert len(entries(rig, n)) == pressed
        assert measured(rig, n).count("texted") == pressed


@pytest.mark.parametrize("after", SIDES)
def test_killed_while_offering_it_is_offered_again_and_counted_once(
    rig: CallRig, after: bool
) -> None:
    rig.boundaries.reset()
    rig.ask_us(call=99, number=phone(199))
    for n in range(len(list(rig.boundaries.names))):
        with rig.boundaries.killed(n, after=after):
            rig.ask_us(call=n, number=number(n))
        assert rig.ask_us(call=n, number=number(n)).action is not None
        assert measured(rig, n) == ["offered"]


def test_two_answers_to_one_digit_at_once_are_one(rig: CallRig) -> None:
    """Twilio repeats the digit while the first answer is under way: stopped at every call of it, for
    both ways round, both say the same and there is one of everything."""
    calls = iter(range(1000))
    n = 0

    def start() -> list[Any]:
        nonlocal n
        n = next(calls)
        caller = phone(10 + n % 89)
        rig.ask_us(call=n, number=caller)
        form = {"CallSid": sid_of(n), "From": caller, "Digits": "1"}

        def press() -> Any:
            house = rig.services()
            program = house.programs.current()
            assert program.line is not None
            branch, banner = program.line.branch("orders"), program.banner("kay")
            assert branch is not None
            assert banner is not None
            ring = Ring(sid_of(n), form, program, branch, banner, "https://line.example.com")
            means = deflecting_means(house, count=rig.counted.append, hurry=True)
            return deflecting.choose(ring, turn=1, means=means, now=rig.clock.now())

        return [press, press]

    def check(results: list[Any]) -> None:
        first, second = results
        assert first.twiml == second.twiml
        assert "on its way" in first.twiml
        assert [m.callback for m in rig.twilio.messages if sid_of(n) in m.callback] == [
            f"https://line.example.com/twilio/status?text=call-{sid_of(n)}#rc=3&rp=all"
        ]
        evidence = [e["evidence"] for e in entries_of(rig, phone(10 + n % 89))]
        assert evidence.count(sid_of(n)) == 1
        assert measured(rig, n) == ["accepted", "offered", "texted"]

    assert switched_orders(start, check, calls=13) == 26


def entries_of(rig: CallRig, caller: str) -> list[dict[str, Any]]:
    return Consents(rig.table).entries(rig.services().customers.id_of(Phone(caller)))
