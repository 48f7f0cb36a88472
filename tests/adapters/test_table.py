"""The table adapter: what it promises about conditions, pages, types and throttling."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from instore.adapters.table import Done, Refused, Table, decode, encode
from instore.errors import ContendedError, UnavailableError


def test_items_come_back_as_they_went(table: Table) -> None:
    item = {"pk": "A", "sk": "B", "text": "é", "whole": 3, "part": 0.5, "yes": True, "no": False,
            "list": [1, "two", {"three": None}], "set": {"x", "y"}, "empty": ""}  # fmt: skip
    assert table.put({**item, "gone": None}) == Done({})
    assert table.get("A", "B") == item
    assert table.get("A", "C") is None


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | st.sets(st.text(min_size=1, max_size=4), min_size=1, max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(st.dictionaries(st.text(min_size=1, max_size=5), _values, max_size=5))
def test_every_storable_value_reads_back(item: dict[str, Any]) -> None:
    assert decode(encode(item)) == {k: v for k, v in item.items() if v is not None}


def test_bytes_and_decimals() -> None:
    assert decode(encode({"b": b"x", "d": Decimal("1.50"), "i": Decimal(7)})) == {
        "b": b"x", "d": 1.5, "i": 7}  # fmt: skip
    with pytest.raises(TypeError):
        encode({"o": object()})


def test_a_failed_condition_is_an_answer_with_the_item(table: Table) -> None:
    guard = "attribute_not_exists(pk)"
    assert table.put({"pk": "A", "sk": "B", "n": 1}, condition=guard) == Done({})
    assert table.put({"pk": "A", "sk": "B", "n": 2}, condition=guard) == Refused(
        {"pk": "A", "sk": "B", "n": 1})  # fmt: skip
    refused = table.update("A", "Z", "SET #n = :n", condition="attribute_exists(pk)",
                           names={"n": "n"}, values={"n": 5})  # fmt: skip
    assert refused == Refused(None)
    done = table.update("A", "B", "SET #n = #n + :one", names={"n": "n"}, values={"one": 1},
                        returns="UPDATED_NEW")  # fmt: skip
    assert done == Done({"n": 2})
    assert isinstance(table.delete("A", "B", condition="n = :n", values={"n": 9}), Refused)
    assert isinstance(table.delete("A", "B"), Done)
    assert isinstance(table.delete("A", "B"), Done)


def test_other_refusals_of_aws_are_our_bug_and_loud(table: Table) -> None:
    with pytest.raises(ClientError):
        table.update("A", "B", "SET pk = :x", values={"x": "y"})
    with pytest.raises(ClientError):
        table.update("A", "B", "SET broken", condition="also broken (")


def test_query_pages_and_limits(table: Table) -> None:
    for n in range(7):
        table.put({"pk": "A", "sk": f"X#{n}", "pad": "y" * 300_000})
    table.put({"pk": "A", "sk": "Y#1"})
    assert len(table.query("A")) == 8
    assert [i["sk"] for i in table.query("A", sk_prefix="X#", limit=5)] == [
        f"X#{n}" for n in range(5)
    ]
    newest = table.query("A", sk_prefix="X#", limit=1, newest_first=True)
    assert newest[0]["sk"] == "X#6"


def test_get_many_takes_more_than_a_hundred(table: Table, requests_made: list[Any]) -> None:
    for n in range(120):
        table.put({"pk": f"K{n}", "sk": "S", "n": n, "other": "x"})
    del requests_made[:]
    found = table.get_many([(f"K{n}", "S") for n in range(130)] + [("K1", "S")], attributes=["n"])
    assert len(found) == 120
    assert found["K7", "S"] == {"pk": "K7", "sk": "S", "n": 7}
    assert [call[1] for call in requests_made] == ["BatchGetItem", "BatchGetItem"]
    assert table.get_many([]) == {}


def test_customers_are_read_as_they_are_now(table: Table, requests_made: list[Any]) -> None:
    """An opt-out stored a moment ago must be seen (I9): eventually consistent reads may not be."""
    table.get_many([("K1", "S")])
    table.get("K1", "S")
    table.query("K1")
    ((_, _, batch), (_, _, get), (_, _, query)) = requests_made
    assert batch["RequestItems"][table.name]["ConsistentRead"] is True
    assert (get["ConsistentRead"], query["ConsistentRead"]) == (True, True)


class Stubborn:
    """A client that leaves keys unprocessed `times` times, as DynamoDB may under load."""

    def __init__(self, times: int) -> None:
        self.times = times

    def batch_get_item(self, **request: Any) -> Any:
        keys = request["RequestItems"]["T"]["Keys"]
        if self.times:
            self.times -= 1
            return {"Responses": {"T": keys[:-1]}, "UnprocessedKeys": {"T": {"Keys": keys[-1:]}}}
        return {"Responses": {"T": keys}}


def test_unprocessed_keys_are_asked_again_and_not_for_ever() -> None:
    keys = [("A", "1"), ("B", "1")]
    assert set(Table(Stubborn(2), "T").get_many(keys)) == set(keys)  # type: ignore[arg-type]  # a fake
    with pytest.raises(UnavailableError):
        Table(Stubborn(99), "T").get_many(keys)  # type: ignore[arg-type]  # a fake


class Failing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, _: str) -> Any:
        def call(**__: Any) -> Any:
            raise self.error

        return call


@pytest.mark.parametrize("error", [
    ClientError({"Error": {"Code": "ThrottlingException"}}, "GetItem"),
    ClientError({"Error": {"Code": "InternalServerError"}}, "GetItem"),
    EndpointConnectionError(endpoint_url="http://127.0.0.1"),
])  # fmt: skip
def test_a_table_that_is_away_is_unavailable(error: Exception) -> None:
    away = Table(Failing(error), "T")  # type: ignore[arg-type]  # a fake
    for call in (lambda: away.get("A", "B"), lambda: away.put({"pk": "A", "sk": "B"}),
                 lambda: away.query("A"), lambda: away.transact([])):  # fmt: skip
        with pytest.raises(UnavailableError) as caught:
            call()
        assert caught.value.retryable


def test_transactions_are_all_or_nothing(table: Table) -> None:
    table.put({"pk": "A", "sk": "1", "n": 1})
    moved = table.update_action("A", "1", "SET n = :two", condition="n = :one",
                                values={"one": 1, "two": 2})  # fmt: skip
    entry = table.put_action({"pk": "A", "sk": "2"}, condition="attribute_not_exists(pk)")
    assert table.transact([moved, entry])
    assert not table.transact([moved, table.put_action({"pk": "A", "sk": "3"},
                                                       condition="attribute_not_exists(pk)")])  # fmt: skip
    assert table.get("A", "3") is None
    other = ClientError(
        {
            "Error": {"Code": "TransactionCanceledException"},
            "CancellationReasons": [{"Code": "ThrottlingError"}],
        },
        "T",
    )  # type: ignore[typeddict-unknown-key]  # AWS sends it
    with pytest.raises(UnavailableError) as caught:
        Table(Failing(other), "T").transact([moved])  # type: ignore[arg-type]  # a fake
    assert not isinstance(caught.value, ContendedError)
    other.response["CancellationReasons"] = [{"Code": "None"}, {"Code": "TransactionConflict"}]
    with pytest.raises(ContendedError):
        Table(Failing(other), "T").transact([moved])  # type: ignore[arg-type]  # a fake


def test_due_work_comes_oldest_first_and_only_when_due(table: Table) -> None:
    for n, due in enumerate((30, 10, 20, 99)):
        table.put({"pk": f"BATCH#{n}", "sk": "BATCH", "due_shard": "DUE#3", "due_at": due})
    table.put({"pk": "BATCH#x", "sk": "BATCH", "due_shard": "DUE#4", "due_at": 5})
    assert [i["pk"] for i in table.due("DUE#3", until=30, limit=10)] == [
        "BATCH#1",
        "BATCH#2",
        "BATCH#0",
    ]
    assert [i["pk"] for i in table.due("DUE#3", until=30, limit=1)] == ["BATCH#1"]
    table.update("BATCH#1", "BATCH", "REMOVE due_shard, due_at")
    assert [i["pk"] for i in table.due("DUE#3", until=15, limit=10)] == []
