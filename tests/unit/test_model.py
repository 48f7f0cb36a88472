"""Small values: numbers parse once and never show, words fold, ids are stable."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instore.batch import batch_id
from instore.directory import Pointer
from instore.errors import BadInputError
from instore.model import (
    Phone,
    base36,
    customer_id,
    due_shard,
    epoch,
    epoch_ms,
    fingerprint,
    fold_login,
    fold_word,
    from_epoch,
    from_iso,
    iso,
    shard_of,
)


@pytest.mark.parametrize("text", [
    "+12125550123", "12125550123", "2125550123", "+1(212) 555-0123", "(212) 555-0123",
    " 212.555.0123 ", "1-212-555-0123",
])  # fmt: skip
def test_a_number_is_read_as_people_write_it(text: str) -> None:
    assert Phone.parse(text).e164 == "+12125550123"


@pytest.mark.parametrize("text", [
    "", " ", "abc", "+1212555012", "+121255501234", "911", "+1 555 000 1111", "0000000000",
    "2125550123 ext. 4", "+" * 50, "1" * 60, "1115550123",
])  # fmt: skip
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(BadInputError) as caught:
        Phone.parse(text)
    assert caught.value.public_code == "invalid_number"


def test_only_text_is_parsed() -> None:
    with pytest.raises(BadInputError):
        Phone.parse(None)  # type: ignore[arg-type]  # what a careless caller hands over


def test_a_number_of_another_country() -> None:
    phone = Phone.parse("+44 20 7946 0958")
    assert (phone.e164, phone.is_north_american, phone.area_code, phone.is_toll_free) == (
        "+442079460958", False, None, False)  # fmt: skip


def test_a_number_never_shows_itself() -> None:
    phone = Phone("+12125550123")
    assert f"{phone} {phone!r} {[phone]}" == "+1…23 Phone(+1…23) [Phone(+1…23)]"
    assert (phone.digits, phone.area_code) == ("12125550123", "212")


@pytest.mark.parametrize(("number", "free"), [
    ("+18005550100", True), ("+18885550100", True), ("+18335550100", True),
    ("+18085550100", False), ("+18015550100", False), ("+12125550100", False),
])  # fmt: skip
def test_toll_free(number: str, free: bool) -> None:
    assert Phone(number).is_toll_free is free


@pytest.mark.parametrize(
    "text", ["12125550123", "+0123456789", "+1", "+1212555012a", "+12125550123\n"]
)
def test_a_phone_is_always_e164(text: str) -> None:
    with pytest.raises(BadInputError):
        Phone(text)


def test_customers_are_named_by_a_keyed_hash() -> None:
    phone = Phone("+12125550123")
    one = customer_id(phone, key=b"k1")
    assert one == customer_id(phone, key=b"k1")
    assert one != customer_id(phone, key=b"k2")
    assert len(one) == 40
    assert "212555" not in one


@pytest.mark.parametrize(("number", "word"), [
    (0, "0"), (35, "Z"), (36, "10"), (123456, "2N9C"),
])  # fmt: skip
def test_base36(number: int, word: str) -> None:
    assert base36(number) == word


@given(st.integers(min_value=0, max_value=10**15))
def test_base36_reads_back(number: int) -> None:
    assert int(base36(number), 36) == number


def test_base36_refuses_negative_numbers() -> None:
    with pytest.raises(BadInputError):
        base36(-1)


@pytest.mark.parametrize(("text", "login"), [
    (" Ana@Kay.example.com ", "ana@kay.example.com"), ("ANA", "ana"),
    ("\u212aay", "\u212aay"),  # Kelvin sign, which lower() would make a k
    ("JOS\u00c9", "JOS\u00c9"),
])  # fmt: skip
def test_logins_fold_in_plain_ascii_only(text: str, login: str) -> None:
    assert fold_login(text) == login


@pytest.mark.parametrize(("text", "word"), [
    ("JohnSmith123", "J0HNSM1TH123"), (" dana. ", "DANA"), ("O0Il", "0011"), ("(2n9c)", "2N9C"),
    ("hi there", None), ("x", None), ("", None), ("naïve", None), ("a" * 41, None), ("a_b", None),
])  # fmt: skip
def test_words_fold(text: str, word: str | None) -> None:
    assert fold_word(text) == word


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing(text: str) -> None:
    word = fold_word(text)
    assert word is None or fold_word(word) == word


@given(
    st.datetimes(
        timezones=st.just(UTC), min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)
    )
)
def test_instants_read_back_to_the_millisecond(instant: datetime) -> None:
    assert abs(from_iso(iso(instant)) - instant) < timedelta(milliseconds=1)


def test_instants_are_utc() -> None:
    there = datetime(2026, 11, 18, 12, 0, tzinfo=timezone(timedelta(hours=-5)))
    assert iso(there) == "2026-11-18T17:00:00.000Z"
    assert (epoch(there), epoch_ms(there)) == (1795021200, 1795021200000)
    assert from_epoch(1795021200).isoformat() == "2026-11-18T17:00:00+00:00"
    with pytest.raises(ValueError, match="naive"):
        iso(datetime(2026, 11, 18))
    with pytest.raises(ValueError, match="naive"):
        from_iso("2026-11-18T17:00:00")


def test_fingerprints_know_no_order() -> None:
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": "1"})


def test_due_work_spreads_over_ten_shards() -> None:
    assert {due_shard(f"batch-{n}") for n in range(200)} == {f"DUE#{n}" for n in range(10)}
    assert due_shard("batch-1") == f"DUE#{shard_of('batch-1')}" == "DUE#2"


def test_ten_thousand_deferred_batches_are_spread_evenly() -> None:
    """The opening of the window is not one hot key: no shard has a tenth more than its share."""
    pointer = Pointer("10000002", "4100", "201")
    shards = Counter(due_shard(batch_id(pointer, key=f"key-{n}")) for n in range(10_000))
    assert set(shards) == {f"DUE#{n}" for n in range(10)}
    assert max(shards.values()) <= 1100
