"""Consent, opt-out, lease and cap as decisions on one customer (I1, I5); the ledger's chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from instore.consent import (
    Blocked,
    Chain,
    Consent,
    ConsentClass,
    Customer,
    Lease,
    Reserved,
    Sent,
    cap_until,
    may_text,
    released,
    reserved,
)  # fmt: skip
from instore.consent_ledger import GENESIS, new_entry, nothing_to_take, verify_chain
from instore.model import epoch
from instore.program_parts import CustomerCap, Outreach

NOW = datetime(2026, 11, 18, 17, 0, tzinfo=UTC)
LIMITS = Outreach(customer_cap=CustomerCap(sends=2, hours=24), lease_hours=72)


def hours_ago(hours: float) -> int:
    return epoch(NOW - timedelta(hours=hours))


def customer(consent: ConsentClass | None = ConsentClass.ONE_TO_ONE, **changes: Any) -> Customer:
    given = {"kay": Consent(consent, NOW - timedelta(days=9), 1)} if consent else {}
    return replace(Customer("c1", consents=given, rev=3), **changes)


# ------------------------------------------------------------------ may_text
def ask(known: Customer | None, *, banner: str = "kay", purpose: str = "one_to_one",
        scope: str = "all") -> str | None:  # fmt: skip
    return may_text(known, banner=banner, purpose=purpose, scope=scope, now=NOW)


def test_absence_means_no() -> None:
    assert ask(None) == "no_consent"
    assert ask(customer(None)) == "no_consent"
    assert ask(customer(), banner="jared") == "no_consent"


def test_a_recorded_no_is_a_no() -> None:
    assert ask(customer(ConsentClass.NONE)) == "no_consent"


@pytest.mark.parametrize(
    ("given", "purpose", "answer"),
    [
        (ConsentClass.ONE_TO_ONE, "one_to_one", None),
        (ConsentClass.MARKETING, "one_to_one", None),
        (ConsentClass.MARKETING, "marketing", None),
        (ConsentClass.ONE_TO_ONE, "marketing", "consent_too_weak"),
        (ConsentClass.ONE_TO_ONE, "something new", "consent_too_weak"),
    ],
)
def test_class_and_purpose(given: ConsentClass, purpose: str, answer: str | None) -> None:
    assert ask(customer(given), purpose=purpose) == answer


def test_consent_of_tomorrow_is_none_today() -> None:
    later = {"kay": Consent(ConsentClass.MARKETING, NOW + timedelta(seconds=1), 1)}
    assert ask(customer(consents=later)) == "no_consent"
    assert ask(customer(consents={"kay": replace(later["kay"], at=NOW)})) is None


def test_an_opt_out_beats_every_consent() -> None:
    out = customer(ConsentClass.MARKETING, opted_out=NOW - timedelta(days=400))
    assert ask(out) == "opted_out"
    assert ask(out, scope="banner") == "opted_out"


@pytest.mark.parametrize(
    ("out_of", "scope", "answer"),
    [("kay", "banner", "opted_out"), ("jared", "banner", None), ("jared", "all", "opted_out")],
)
def test_how_far_a_stop_reaches(out_of: str, scope: str, answer: str | None) -> None:
    assert ask(customer(opted_out_of=frozenset({out_of})), scope=scope) == answer


def test_without_a_scope_a_stop_reaches_everywhere() -> None:
    out = customer(opted_out_of=frozenset({"jared"}))
    assert may_text(out, banner="kay", purpose="one_to_one", now=NOW) == "opted_out"


# ------------------------------------------------------------------ reserve
def take(known: Customer | None, *, owner: str = "a.1", batch: str = "b1", banner: str = "kay",
         purpose: str = "one_to_one", now: datetime = NOW, due: datetime | None = None,
         limits: Outreach = LIMITS) -> Any:  # fmt: skip
    return reserved(known, banner=banner, owner=owner, batch=batch, purpose=purpose, scope="all",
                    limits=limits, now=now, due=due)  # fmt: skip


def lease(**changes: Any) -> Lease:
    usual = {"banner": "kay", "owner": "a.1", "batch": "b0", "until": epoch(NOW) + 60,
             "since": hours_ago(1)}  # fmt: skip
    return Lease(**{**usual, **changes})


def test_a_free_customer_is_held_and_counted() -> None:
    held = take(customer())
    assert held.lease == Lease("kay", "a.1", "b1", epoch(NOW) + 72 * 3600, since=epoch(NOW))
    assert held.sent == (Sent(epoch(NOW), "b1"),)
    assert held.rev == 3


@pytest.mark.parametrize("purpose", ["one_to_one", "marketing"])
def test_consent_is_asked_at_reservation(purpose: str) -> None:
    assert take(None, purpose=purpose) == Blocked("no_consent")
    assert take(customer(None), purpose=purpose) == Blocked("no_consent")
    assert take(customer(opted_out=NOW), purpose=purpose) == Blocked("opted_out")


def test_another_associate_waits_for_the_lease() -> None:
    held = customer(lease=lease(owner="a.2"))
    assert take(held) == Blocked("held", NOW + timedelta(seconds=60))


def test_another_banner_of_the_same_associate_waits_too() -> None:
    both = customer(lease=lease(banner="jared"))
    assert take(both) == Blocked("held", NOW + timedelta(seconds=60))


def test_a_lease_ends_by_itself() -> None:
    held = customer(lease=lease(owner="a.2", until=epoch(NOW)))
    assert take(held).lease.owner == "a.1"
    assert take(held).lease.since == epoch(NOW)


def test_the_holder_may_text_again_and_holds_longer() -> None:
    held = customer(lease=lease(), sent=(Sent(hours_ago(1), "b0"),))
    again = take(held)
    assert again.lease == Lease("kay", "a.1", "b1", epoch(NOW) + 72 * 3600, since=hours_ago(1))
    assert again.sent == (Sent(hours_ago(1), "b0"), Sent(epoch(NOW), "b1"))


def test_the_same_batch_again_is_reserved_and_not_counted_twice() -> None:
    once = take(customer())
    assert take(once) == Reserved()
    twice = take(once, batch="b2")
    assert take(twice, batch="b1") == Reserved()


def test_the_same_batch_again_still_asks_for_consent() -> None:
    once = take(customer())
    assert take(replace(once, opted_out=NOW)) == Blocked("opted_out")


def test_the_same_batch_after_its_lease_ended_is_held_anew() -> None:
    once = replace(take(customer()), lease=None)
    again = take(once)
    assert again.lease.batch == "b1"
    assert again.sent == (Sent(epoch(NOW), "b1"),)


def test_the_cap_and_when_it_frees() -> None:
    full = customer(sent=(Sent(hours_ago(23), "x"), Sent(hours_ago(2), "y")))
    assert take(full) == Blocked("customer_cap", NOW + timedelta(hours=1))
    later = NOW + timedelta(hours=1)
    assert take(full, now=later).sent[-1] == Sent(epoch(later), "b1")
    over = customer(sent=tuple(Sent(hours_ago(h), str(h)) for h in (20, 10, 5)))
    assert take(over) == Blocked("customer_cap", NOW + timedelta(hours=14))


def test_texts_are_remembered_as_long_as_their_batches() -> None:
    """35 days, in the order they were asked for: an erasure finds them all."""
    y, z = Sent(hours_ago(35 * 24 - 1), "y"), Sent(hours_ago(71), "z")
    long_ago = customer(sent=(Sent(hours_ago(35 * 24), "x"), z, y))
    assert take(long_ago).sent == (z, y, Sent(epoch(NOW), "b1"))


def test_of_many_old_texts_the_newest_fifty_are_remembered() -> None:
    many = tuple(Sent(hours_ago(100 + n), f"o{n}") for n in range(80, 0, -1))
    kept = take(customer(sent=many)).sent
    assert kept == (*many[-49:], Sent(epoch(NOW), "b1"))


@pytest.mark.parametrize("sends", [1, 3, 49, 50])
def test_the_cap_is_exact_however_many_texts_are_remembered(sends: int) -> None:
    """Also at the largest cap, with as many texts to come as there were, asked for before those
    that were counted first: what counts is never what is forgotten."""
    limits = Outreach(customer_cap=CustomerCap(sends=sends, hours=24), lease_hours=1)
    coming = [Sent(hours_ago(-30), f"c{n}") for n in range(sends)]
    counted = [Sent(hours_ago(2), f"n{n}") for n in range(sends - 1)]
    old = [Sent(hours_ago(600 + n), f"o{n}") for n in range(60)]
    known = customer(sent=(*coming, *counted, *old))
    once = take(known, limits=limits)
    assert set(once.sent) >= {*coming, *counted, Sent(epoch(NOW), "b1")}
    assert len(once.sent) == max(50, 2 * sends)
    full = Blocked("customer_cap", NOW + timedelta(hours=54))  # a day after the last to come
    for hours in (0, 5, 31):
        due = NOW + timedelta(hours=hours)
        assert take(once, limits=limits, batch="b2", due=due) == full


TOMORROW = NOW + timedelta(hours=30)


def test_a_deferred_text_counts_when_it_goes_and_is_held_until_after() -> None:
    held = take(customer(), due=TOMORROW)
    assert held.sent == (Sent(epoch(TOMORROW), "b1"),)
    assert held.lease == Lease("kay", "a.1", "b1", epoch(TOMORROW) + 72 * 3600, since=epoch(NOW))


def test_the_cap_looks_at_texts_still_to_go() -> None:
    coming = customer(sent=(Sent(epoch(TOMORROW), "x"), Sent(epoch(TOMORROW), "y")))
    assert take(coming).sent[-1] == Sent(epoch(NOW), "b1")  # thirty hours before them
    full = Blocked("customer_cap", TOMORROW + timedelta(hours=24))
    assert take(coming, due=TOMORROW) == full
    assert take(coming, now=NOW + timedelta(hours=7)) == full  # twenty-three before them
    assert take(coming, now=TOMORROW + timedelta(hours=24)).sent[-1].batch == "b1"


def test_the_cap_counts_across_an_instant() -> None:
    """One text ten hours before and one ten hours after: a third makes three in twenty hours."""
    around = customer(sent=(Sent(hours_ago(10), "x"), Sent(hours_ago(-10), "y")))
    assert take(around) == Blocked("customer_cap", NOW + timedelta(hours=14))
    apart = customer(sent=(Sent(hours_ago(10), "x"), Sent(hours_ago(-14), "y")))
    assert take(apart).sent[-1] == Sent(epoch(NOW), "b1")


def test_its_own_batch_is_not_counted_against_a_text() -> None:
    full = customer(sent=(Sent(hours_ago(3), "x"), Sent(hours_ago(2), "b1")))
    assert cap_until(full, batch="b1", limits=LIMITS, at=NOW) is None
    assert cap_until(full, batch="b2", limits=LIMITS, at=NOW) == NOW + timedelta(hours=21)


def test_a_text_at_once_does_not_shorten_the_lease_of_a_deferred_one() -> None:
    deferred = take(customer(), batch="b0", due=TOMORROW)
    both = take(deferred)
    assert both.lease.until == deferred.lease.until
    assert released(both, batch="b1") == deferred


# ------------------------------------------------------------------ release
def test_release_frees_and_uncounts() -> None:
    assert released(take(customer()), batch="b1") == customer()


def test_release_of_another_batch_changes_nothing() -> None:
    held = take(customer())
    assert released(held, batch="b9") == held


def test_release_gives_the_lease_back_to_the_text_before() -> None:
    earlier = NOW - timedelta(hours=5)
    first = take(customer(), batch="b0", now=earlier)
    assert released(take(first), batch="b1") == first


def test_release_of_the_text_before_keeps_the_later_lease() -> None:
    both = take(take(customer(), batch="b0", now=NOW - timedelta(hours=5)))
    after = released(both, batch="b0")
    assert after.lease == both.lease
    assert after.sent == (Sent(epoch(NOW), "b1"),)


def test_release_does_not_revive_somebody_elses_ended_lease() -> None:
    before = customer(sent=(Sent(hours_ago(5), "b0"),))  # conversation closed, lease ended
    assert released(take(before, owner="a.2"), batch="b1") == before


# ------------------------------------------------------------------ ledger
def ledger(length: int = 4) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    chain = None
    for n in range(length):
        entry = new_entry(
            chain, at=f"2026-11-1{n}T00:00:00.000Z", recorded_at="2026-11-18T17:00:00.000Z",
            who="login", banner="kay", what="one_to_one", method="tablet",
            wording=f"Yes, text me {n}.", evidence=f"form-{n}", country="US",
        )  # fmt: skip
        chain = Chain(entry["n"], entry["hash"])
        entries.append(entry)
    return entries


def test_entries_are_chained() -> None:
    first, second, *_ = ledger()
    assert (first["n"], first["prev"]) == (1, GENESIS)
    assert (second["n"], second["prev"]) == (2, first["hash"])
    assert len({entry["hash"] for entry in ledger()}) == 4


def test_a_whole_ledger_verifies() -> None:
    entries = ledger()
    assert verify_chain(entries) == []
    assert verify_chain(entries, head=Chain(4, entries[-1]["hash"])) == []
    assert verify_chain([]) == []


@pytest.mark.parametrize(
    "field", ["n", "at", "recorded_at", "who", "banner", "what", "method", "scope", "country",
              "wording", "evidence", "words", "personal", "prev", "hash"]
)  # fmt: skip
def test_any_changed_field_is_found(field: str) -> None:
    entries = ledger()
    entries[1][field] = 9 if field == "n" else "changed"
    assert verify_chain(entries) != []


@pytest.mark.parametrize(
    "tamper",
    [lambda e: e.pop(1), lambda e: e.pop(0), lambda e: e.reverse(), lambda e: e.insert(1, e[0]),
     lambda e: e.__setitem__(slice(1, 3), [e[2], e[1]])],
    ids=["middle removed", "first removed", "reversed", "repeated", "swapped"],
)  # fmt: skip
def test_removal_and_reorder_are_found(tamper: Callable[[list[Any]], Any]) -> None:
    entries = ledger()
    tamper(entries)
    assert verify_chain(entries) != []


def test_a_cut_end_is_found_by_the_head() -> None:
    entries = ledger()
    head = Chain(4, entries[-1]["hash"])
    assert verify_chain(entries[:-1]) == []
    assert verify_chain(entries[:-1], head=head) == [
        "the customer's chain ends at 4, the ledger at 3"
    ]


def test_a_rewritten_entry_breaks_the_next_one() -> None:
    entries = ledger()
    forged = new_entry(Chain(1, entries[0]["hash"]), at="x", recorded_at="y", who="z",
                       banner="kay", what="marketing", method="tablet")  # fmt: skip
    entries[1] = forged
    assert verify_chain(entries) == ["entry 3 does not follow the one before it"]


def test_erased_words_leave_a_chain_that_verifies() -> None:
    entries = ledger()
    for name in ("wording", "evidence"):
        del entries[1][name]
    assert verify_chain(entries) == ["the words of entry 2 were changed"]
    entries[1]["erased"] = True
    assert verify_chain(entries) == ["the words of entry 2 are gone without an erasure"]
    head = Chain(4, entries[-1]["hash"])
    entries.append(new_entry(head, at="x", recorded_at="y", who="desk", banner="*", what="erased",
                             method="request", evidence="request 7"))  # fmt: skip
    assert verify_chain(entries) == []
    entries[1]["wording"] = "other words"
    assert verify_chain(entries) == ["the words of entry 2 were changed"]
    del entries[1]["wording"]
    entries[4]["evidence"] = "request 8"
    assert verify_chain(entries) == ["the words of entry 5 were changed"]


def test_words_that_vanish_after_the_erasure_are_missed() -> None:
    entries = ledger(1)
    for what in ("erased", "one_to_one"):
        entries.append(new_entry(Chain(entries[-1]["n"], entries[-1]["hash"]), at="x", who="z",
                                 recorded_at="y", banner="kay", what=what, method="tablet",
                                 wording="Yes.", salt="5a17"))  # fmt: skip
    for name in ("wording", "salt"):
        del entries[2][name]
    entries[2]["erased"] = True
    assert verify_chain(entries) == ["the words of entry 3 are gone without an erasure"]


def test_salted_words_cannot_be_guessed_from_their_hash() -> None:
    """Once the salt is gone, nothing in the entry depends on the words alone."""
    said: dict[str, Any] = {"at": "x", "recorded_at": "y", "who": "z", "banner": "kay",
                            "what": "revoked", "method": "text", "words": "stop"}  # fmt: skip
    plain, salted, other = (
        new_entry(None, **said, salt=salt) for salt in (None, "5a17", "other"))  # fmt: skip
    assert len({entry["personal"] for entry in (plain, salted, other)}) == 3
    assert verify_chain([plain]) == verify_chain([salted]) == []
    assert verify_chain([{**salted, "salt": "other"}]) == ["the words of entry 1 were changed"]
    assert nothing_to_take(salted) is False
    assert nothing_to_take({**salted, "words": None, "salt": None}) is True


TOMBSTONE = {"opted_out": NOW, "erased_at": NOW - timedelta(days=1)}


def test_a_tombstone_blocks_before_everything_else() -> None:
    gone = customer(ConsentClass.MARKETING, **TOMBSTONE)
    assert gone.is_erased
    assert [ask(gone, scope=scope) for scope in ("all", "banner")] == ["erased", "erased"]
    assert ask(replace(gone, opted_out=None)) == "erased"  # even if somebody lifted the opt-out
    assert take(gone) == Blocked("erased")


def test_their_own_word_ends_a_tombstone() -> None:
    back = customer(erased_at=NOW - timedelta(days=1), back_at=NOW)
    assert not back.is_erased
    assert ask(back) is None


def test_long_words_are_cut() -> None:
    entry = new_entry(None, at="x", recorded_at="y", who="z", banner="kay", what="revoked",
                      method="text", words="no " * 400, wording=None)  # fmt: skip
    assert len(entry["words"]) == 500
    assert "wording" not in entry
    assert verify_chain([entry]) == []
