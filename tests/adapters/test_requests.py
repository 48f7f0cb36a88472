"""Requests in the table, the whole way through boto3: written whole, read back, found in lists."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from instore.adapters.consents import Consents
from instore.adapters.requests import Requests
from instore.adapters.table import Table
from instore.directory import Pointer
from instore.errors import UnavailableError
from instore.model import Email, Phone
from instore.service_request import (
    Agreed,
    By,
    Link,
    Reply,
    ReplyState,
    ServiceRequest,
    Shelf,
    Source,
    Told,
)

ANNA, BEN = Pointer("10000002", "4100", "201"), Pointer("10000002", "4100", "202")
PHONE = Phone("+12125550123")


def request(now: datetime, name: str = "q-1", **more: Any) -> ServiceRequest:
    return ServiceRequest(**{
        "id": name, "fingerprint": "f", "source": Source.WIDGET, "by": By.TEXT, "banner": "kay",
        "account": "10000002", "group": "4100", "shelf": Shelf.LEADS, "customer": "c-1",
        "also": "c-2", "created_at": now, "name": "Ines", "phone": PHONE,
        "email": Email("ines@mail.example"), "message": "Hi", "page": "https://x.example",
        "language": "en", "due_at": now + timedelta(minutes=1), **more,
    })  # fmt: skip


def reply(now: datetime, name: str = "r-1", **more: Any) -> Reply:
    return Reply(**{
        "id": name, "request": "q-1", "fingerprint": "f", "at": now, "by": By.TEXT,
        "pointer": ANNA, "login": "anna@kay.example.com", "customer": "c-1", "words": "Yes",
        "links": (Link("https://a.example", "A"), Link("https://b.example")),
        "media": ("https://m.example/a.jpg",), **more,
    })  # fmt: skip


@pytest.fixture
def requests(table: Table) -> Requests:
    return Requests(table)


def created(requests: Requests, asked: ServiceRequest) -> ServiceRequest:
    found, new = requests.create(asked, agreed=None, country="US", now=asked.created_at)
    assert new
    return found


def test_it_is_read_as_it_was_written(requests: Requests, now: datetime) -> None:
    asked = request(now)
    assert created(requests, asked) == requests.get("q-1") == asked
    everything = replace(
        asked, pointer=ANNA, taken_at=now, consent=3, bound="201", replies=("r-1",),
        confirmed=Told("deferred", "outside_window", now), replied_at=now, noted=True, timed=True,
        waited_long=True, due_at=None,
    )  # fmt: skip
    saved = requests.save(everything, before=asked)
    assert saved == requests.get("q-1") == replace(everything, rev=2)
    assert requests.save(everything, before=asked) is None
    assert requests.get("q-2") is None


def test_the_same_id_is_written_once(requests: Requests, now: datetime) -> None:
    first = created(requests, request(now))
    again, new = requests.create(request(now, message="other"), agreed=None, country="US", now=now)
    assert (again, new) == (first, False)


def test_consent_and_request_are_written_together_or_not_at_all(
    requests: Requests, table: Table, now: datetime, requests_made: list[Any]
) -> None:
    agreed = Agreed("Yes, text me", zone="America/New_York", postal_code="10704")
    requests_made.clear()
    found, new = requests.create(request(now), agreed=agreed, country="US", now=now)
    assert (found.consent, new) == (1, True)
    assert [operation for _, operation, _ in requests_made] == ["GetItem", "TransactWriteItems"]
    ledger = Consents(table)
    (entry,) = ledger.entries("c-1")
    assert (entry["wording"], entry["evidence"], entry["country"]) == (
        "Yes, text me", "widget#q-1", "US")  # fmt: skip
    assert ledger.problems("c-1") == []
    again, new = requests.create(request(now), agreed=agreed, country="US", now=now)
    assert (again, new) == (found, False)
    assert len(ledger.entries("c-1")) == 1


def test_what_cannot_be_written_is_an_error(
    requests: Requests, table: Table, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "transact", lambda _writes: False)
    with pytest.raises(UnavailableError):
        requests.create(request(now), agreed=None, country="US", now=now)


@pytest.mark.parametrize("shelf", list(Shelf))
def test_lists_are_read_in_pages_in_their_order(
    requests: Requests, now: datetime, shelf: Shelf
) -> None:
    pointer = ANNA if shelf is Shelf.ASSOCIATE else None
    names = [f"q-{n}" for n in range(5)]
    for n, name in enumerate(names):
        asked = request(now + timedelta(minutes=n), name, shelf=shelf, pointer=pointer, also="")
        created(requests, asked)
    wanted = names[::-1] if shelf is Shelf.ASSOCIATE else names
    found, after = [], None
    for size in (2, 2, 1):
        page, after = requests.listed(shelf, pointer=ANNA, limit=2, after=after)
        assert len(page) == size
        found += [one.id for one in page]
    assert (found, after) == (wanted, None)
    others = [one for one in Shelf if one is not shelf]
    assert [requests.listed(one, pointer=ANNA, limit=9) for one in others] == [([], None)] * 2
    elsewhere = Pointer("10000002", "4200", "209")
    assert requests.listed(shelf, pointer=elsewhere, limit=9) == ([], None)
    whole, after = requests.listed(shelf, pointer=ANNA, limit=5)
    assert (len(whole), after) == (5, None)


def test_a_claim_moves_it_to_who_claims_it_once(
    requests: Requests, table: Table, now: datetime
) -> None:
    lead = created(requests, request(now))
    won = requests.save(lead.taken(ANNA, now=now), before=lead)
    assert won is not None
    assert requests.save(lead.taken(BEN, now=now), before=lead) is None
    assert requests.listed(Shelf.LEADS, pointer=ANNA, limit=9) == ([], None)
    assert requests.listed(Shelf.ASSOCIATE, pointer=ANNA, limit=9) == ([won], None)
    moved = requests.save(won.taken(BEN, now=now), before=won)
    assert moved is not None
    assert requests.listed(Shelf.ASSOCIATE, pointer=ANNA, limit=9) == ([], None)
    assert requests.listed(Shelf.ASSOCIATE, pointer=BEN, limit=9) == ([moved], None)


def test_lists_have_nothing_of_a_customer(requests: Requests, table: Table, now: datetime) -> None:
    created(requests, request(now))
    (entry,) = table.query("STORE#10000002#4100")
    assert set(entry) == {"pk", "sk", "request", "expires_at"}


def test_an_answer_is_written_with_its_request_and_settled_with_it(
    requests: Requests, now: datetime
) -> None:
    asked = created(requests, request(now, pointer=ANNA, shelf=Shelf.ASSOCIATE))
    due = now + timedelta(minutes=1)
    begun = requests.begin_reply(reply(now), request=asked, due_at=due)
    assert begun is not None
    assert begun.replies == ("r-1",)
    assert requests.reply("q-1", reply="r-1") == reply(now)
    assert requests.reply("q-1", reply="r-2") is None
    assert requests.begin_reply(reply(now), request=begun, due_at=due) is None  # there is one
    assert requests.begin_reply(reply(now, "r-2"), request=asked, due_at=due) is None  # stale
    second = requests.begin_reply(
        reply(now + timedelta(seconds=1), "r-0"), request=begun, due_at=due
    )
    assert second is not None
    settled = [replace(reply(now), state=ReplyState.REFUSED, reason="opted_out")]
    saved = requests.save(replace(second, replies=("r-0",)), before=second, replies=settled)
    assert saved is not None
    assert requests.save(replace(second, replies=()), before=second, replies=[
        replace(reply(now), state=ReplyState.SENT)]) is None  # fmt: skip
    assert requests.replies("q-1") == [*settled, reply(now + timedelta(seconds=1), "r-0")]


@pytest.mark.parametrize("customer", ["c-1", "c-2"])
def test_emptied_by_number_or_address_nothing_personal_is_left(
    requests: Requests, table: Table, now: datetime, customer: str
) -> None:
    asked = created(requests, request(now))
    requests.begin_reply(reply(now), request=asked, due_at=now)
    assert [item["sk"] for item in requests.held(customer)] == ["REQUEST", "REPLY#r-1"]
    assert requests.empty(customer, until=now - timedelta(seconds=1)) == 0
    assert requests.empty(customer, until=now) == 1
    found = requests.get("q-1")
    assert found is not None
    assert (found.name, found.phone, found.email, found.message, found.page) == (
        "",
        None,
        None,
        "",
        "",
    )
    assert (found.erased, found.replies, found.due_at) == (True, (), None)
    (emptied,) = requests.replies("q-1")
    assert (emptied.words, emptied.links, emptied.media, emptied.erased) == ("", (), (), True)
    assert table.query("STORE#10000002#4100") == []
    assert table.get("REQUEST#q-1", "EMAIL") is None
    assert requests.empty(customer, until=now) == 0


def test_a_request_that_keeps_changing_is_an_error(
    requests: Requests, table: Table, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    created(requests, request(now))
    monkeypatch.setattr(table, "transact", lambda _writes: False)
    with pytest.raises(UnavailableError):
        requests.empty("c-1", until=now)
