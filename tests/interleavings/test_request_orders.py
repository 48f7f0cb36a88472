"""Associates who want the same request at once, and a site that sends it twice: in every order of
their calls one has it, one text confirms it, one consent is recorded."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.interleavings.orders import all_orders_that_differ
from tests.interleavings.switching import switched_orders
from tests.outreach_rig import ANNA, BEN, phone
from tests.request_rig import LOGIN_OF, RequestRig, of_widget

from instore import request_asking
from instore.adapters.consents import Consents
from instore.adapters.table import Table
from instore.errors import InstoreError
from instore.model import Phone
from instore.outreach import Asker, find_asker
from instore.request_asking import Answer, Asked
from instore.requesting import Means, resume
from instore.runtime.means import request_means
from instore.runtime.services import Services
from instore.service_request import Agreed, By, RequestState, Source


class Race:
    """Warm processes on one table, and a fresh request for every order."""

    def __init__(self, rig: RequestRig) -> None:
        self.rig, self.numbers = rig, itertools.count()
        self.houses = {agent: self._warm(agent) for agent in (ANNA, BEN)}
        self.request, self.number = "", ""

    def _warm(self, agent: str) -> Services:
        """A process that has read program, store and its associate."""
        house = self.rig.services()
        asker_of(house, agent)
        return house

    def fresh(self, **more: Any) -> str:
        n = next(self.numbers)
        self.number = phone(10 + n % 390)
        self.request = self.rig.took(of_widget(**more), key=f"k-{n}", phone=self.number)
        return self.request

    def means(self, agent: str) -> Means:
        return request_means(self.houses[agent], count=self.rig.counted.append)

    def claiming(self, agent: str, request: str) -> Callable[[], Any]:
        means, asker = self.means(agent), asker_of(self.houses[agent], agent)
        return lambda: request_asking.claim(request, asker=asker, means=means,
                                            now=self.rig.clock.now())  # fmt: skip

    def answering(self, agent: str, request: str, key: str = "r-1") -> Callable[[], Any]:
        means, asker = self.means(agent), asker_of(self.houses[agent], agent)
        given = Answer(key, f"print-{key}", f"words of {agent} {key}")
        return lambda: request_asking.answer(request, given=given, asker=asker, means=means,
                                             now=self.rig.clock.now())  # fmt: skip


def asker_of(house: Services, agent: str) -> Asker:
    return find_asker(LOGIN_OF[agent], program=house.programs.current(), stores=house.stores)


@pytest.fixture
def race(table: Table, clock: Any) -> Race:
    return Race(RequestRig(table, clock))


def outcome(result: Any) -> str:
    return result.public_code if isinstance(result, InstoreError) else "done"


def test_two_claim_at_once_and_one_has_it_in_every_order(race: Race) -> None:
    winners: set[str] = set()

    def start() -> list[Any]:
        request = race.fresh()
        return [race.claiming(ANNA, request), race.claiming(BEN, request)]

    def check(results: list[Any]) -> None:
        assert sorted(map(outcome, results)) == ["already_claimed", "done"]
        found = race.rig.request(race.request)
        winner = ANNA if outcome(results[0]) == "done" else BEN
        assert found.pointer is not None
        assert found.pointer.agent_id == found.bound == winner
        winners.add(winner)
        lists = {agent: race.rig.lists(agent) for agent in (ANNA, BEN)}
        assert race.request in lists[winner]["my_requests"]
        assert race.request not in lists[BEN if winner == ANNA else ANNA]["my_requests"]
        assert race.request not in lists[ANNA]["new_leads"]
        assert len(race.rig.twilio.to(race.number)) == 1

    assert all_orders_that_differ(start, check) > 1
    assert winners == {ANNA, BEN}


def test_two_of_a_team_answer_at_once_and_one_text_goes(race: Race) -> None:
    race.rig.with_team()
    race.houses = {agent: race._warm(agent) for agent in (ANNA, BEN)}

    def start() -> list[Any]:
        request = race.fresh()
        return [race.answering(ANNA, request), race.answering(BEN, request)]

    def check(results: list[Any]) -> None:
        assert sorted(map(outcome, results)) == ["already_claimed", "done"]
        assert len(race.rig.twilio.to(race.number)) == 2  # the confirmation, one answer
        found = race.rig.request(race.request)
        assert (found.state, found.replies) == (RequestState.ANSWERED, ())
        assert [f.kind for f in race.rig.facts() if f.name == race.request] == ["reply", "request"]

    assert switched_orders(start, check, calls=16) == 32


@pytest.mark.slow
def test_two_answers_of_one_associate_at_once_both_go_and_one_is_timed(race: Race) -> None:
    def start() -> list[Any]:
        request = race.fresh()
        race.claiming(ANNA, request)()
        return [race.answering(ANNA, request, "r-1"), race.answering(ANNA, request, "r-2")]

    def check(results: list[Any]) -> None:
        assert {outcome(one) for one in results} <= {"done"}, results
        race.rig.sweep_for(10, step=5)
        assert sorted(race.rig.twilio.to(race.number)[1:]) == [
            f"words of {ANNA} r-1", f"words of {ANNA} r-2"]  # fmt: skip
        found = race.rig.request(race.request)
        assert (found.replies, found.timed) == ((), True)
        kinds = [f.kind for f in race.rig.facts() if f.name == race.request]
        assert kinds == ["reply", "request"]

    assert switched_orders(start, check, calls=14) == 28


def test_the_same_answer_twice_at_once_is_one(race: Race) -> None:
    def start() -> list[Any]:
        request = race.fresh()
        race.claiming(ANNA, request)()
        return [race.answering(ANNA, request), race.answering(ANNA, request)]

    def check(results: list[Any]) -> None:
        assert {outcome(one) for one in results} == {"done"}, results
        assert len(race.rig.twilio.to(race.number)) == 2
        assert len(race.rig.services().requests.replies(race.request)) == 1

    assert switched_orders(start, check, calls=14) == 28


def test_the_same_request_twice_at_once_is_one(race: Race) -> None:
    names = itertools.count()
    named: list[str] = []

    def start() -> list[Any]:
        n = next(names)
        number = phone(100 + n % 290)
        named[:] = [f"both-{n}", number]
        asked = Asked(Source.WIDGET, By.TEXT, "print", store="4100", phone=number, message="Hi")

        def submitting(agent: str) -> Callable[[], Any]:
            means = race.means(agent)
            return lambda: request_asking.submit(asked, request=f"both-{n}", agreed=Agreed("Yes"),
                                                 means=means, now=race.rig.clock.now())  # fmt: skip

        return [submitting(ANNA), submitting(BEN)]

    def check(results: list[Any]) -> None:
        assert not [one for one in results if isinstance(one, Exception)], results
        assert sorted(new for _, new in results) == [False, True]
        request, number = named
        assert len(race.rig.twilio.to(number)) == 1
        customer = race.rig.services().customers.id_of(Phone(number))
        entries = Consents(race.rig.table).entries(customer)
        assert [one["evidence"] for one in entries] == [f"widget#{request}"]
        assert race.rig.lists()["new_leads"].count(request) == 1

    assert switched_orders(start, check, calls=14) == 28


@pytest.mark.slow
def test_an_erasure_against_a_claim_leaves_nothing_in_any_order(race: Race) -> None:
    ends: set[str] = set()

    def start() -> list[Any]:
        request = race.fresh(name="Anastasia")
        house = race.houses[BEN]
        customer = house.customers.id_of(Phone(race.number))
        until = race.rig.clock.now() + timedelta(seconds=1)
        return [race.claiming(ANNA, request),
                lambda: house.requests.empty(customer, until=until)]  # fmt: skip

    def check(results: list[Any]) -> None:
        claimed, emptied = results
        assert emptied == 1
        assert outcome(claimed) in ("done", "unknown_request")
        ends.add(outcome(claimed))
        found = race.rig.request(race.request)
        assert (found.name, found.phone, found.message, found.erased) == ("", None, "", True)
        listed = race.rig.lists()
        assert race.request not in listed["new_leads"] + listed["my_requests"]

    assert switched_orders(start, check, calls=8) == 16
    assert ends == {"done", "unknown_request"}


@pytest.mark.slow
def test_the_sweep_against_an_answer_says_nothing_twice(race: Race) -> None:
    def start() -> list[Any]:
        request = race.fresh()
        race.claiming(ANNA, request)()
        race.rig.clock.advance(700)
        now = race.rig.clock.now()
        means = race.means(BEN)
        return [race.answering(ANNA, request),
                lambda: resume((f"REQUEST#{request}", "REQUEST"), means=means, now=now)]  # fmt: skip

    def check(results: list[Any]) -> None:
        assert not [one for one in results if isinstance(one, Exception)], results
        race.rig.sweep_for(10, step=5)
        assert len(race.rig.twilio.to(race.number)) == 2
        found = race.rig.request(race.request)
        assert (found.replies, found.timed, found.due_at) == ((), True, None)

    assert switched_orders(start, check, calls=14) == 28
