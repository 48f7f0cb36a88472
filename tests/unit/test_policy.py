"""The evaluator of roles: IAM's rules on small policies, and what each call asks for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local.access import Access, UnknownCallError, accesses
from local.policy import (
    Role,
    Statement,
    UnknownPolicyError,
    Use,
    matches,
    partition_keys,
    role_of,
)
from local.rendering import Rendered

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/t"


def rendered(*statements: dict[str, Any], managed: tuple[str, ...] = ()) -> Rendered:
    return Rendered(
        {"Resources": {
            "Fn": {"Type": "AWS::Lambda::Function",
                   "Properties": {"Role": {"Fn::GetAtt": ["FnRole", "Arn"]}}},
            "FnRole": {"Type": "AWS::IAM::Role", "Properties": {
                "ManagedPolicyArns": [f"arn:aws:iam::aws:policy/service-role/{one}"
                                      for one in managed],
                "Policies": [{"PolicyName": "P", "PolicyDocument": {"Statement": statements}}]}},
            "T": {"Type": "AWS::DynamoDB::Table", "Properties": {
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"},
                              {"AttributeName": "sk", "KeyType": "RANGE"}],
                "GlobalSecondaryIndexes": [{"IndexName": "due", "KeySchema": [
                    {"AttributeName": "shard", "KeyType": "HASH"}]}]}},
        }},
        parameters={}, stack="s",
    )  # fmt: skip


def allow(actions: Any, resources: Any = TABLE, keys: list[str] | None = None,
          operator: str = "ForAllValues:StringLike", effect: str = "Allow",
          ) -> dict[str, Any]:  # fmt: skip
    statement = {"Sid": "S", "Effect": effect, "Action": actions, "Resource": resources}
    if keys is not None:
        statement["Condition"] = {operator: {"dynamodb:LeadingKeys": keys}}
    return statement


def decide(access: Access, *statements: dict[str, Any]) -> bool:
    return role_of(rendered(*statements), "Fn").decide([access]).allowed


@pytest.mark.parametrize(("access", "expected"), [
    (Access("dynamodb:GetItem", TABLE, ("A#1",)), True),
    (Access("dynamodb:getitem", TABLE, ("A#1",)), True),  # actions have no case
    (Access("dynamodb:GetItem", TABLE, ("A#1", "A#2")), True),
    (Access("dynamodb:GetItem", TABLE, ("A#1", "B#1")), False),
    (Access("dynamodb:GetItem", TABLE, ("a#1",)), False),
    (Access("dynamodb:GetItem", TABLE, None), True),  # IAM: no key at all, nothing to refuse
    (Access("dynamodb:GetItem", TABLE + "2", ("A#1",)), False),
    (Access("dynamodb:GetItem", TABLE + "/index/due", ("A#1",)), False),
    (Access("dynamodb:PutItem", TABLE, ("A#1",)), False),
])  # fmt: skip
def test_leading_keys(access: Access, expected: bool) -> None:
    assert decide(access, allow("dynamodb:GetItem", keys=["A#*", "ONE"])) is expected


def test_any_value_wants_one_and_a_key() -> None:
    statement = allow("dynamodb:GetItem", keys=["A#*"], operator="ForAnyValue:StringLike")
    assert decide(Access("dynamodb:GetItem", TABLE, ("A#1", "B#1")), statement)
    assert not decide(Access("dynamodb:GetItem", TABLE, ("B#1",)), statement)
    assert not decide(Access("dynamodb:GetItem", TABLE, None), statement)


def test_equals_takes_the_text_as_it_is() -> None:
    statement = allow("dynamodb:GetItem", keys=["A"], operator="ForAllValues:StringEquals")
    assert decide(Access("dynamodb:GetItem", TABLE, ("A",)), statement)
    assert not decide(Access("dynamodb:GetItem", TABLE, ("A2",)), statement)


def test_a_deny_wins() -> None:
    yes, no = allow("dynamodb:*", "*"), allow("dynamodb:Delete*", "*", effect="Deny")
    assert decide(Access("dynamodb:GetItem", TABLE), yes, no)
    assert not decide(Access("dynamodb:DeleteItem", TABLE), yes, no)
    assert not decide(Access("dynamodb:DeleteItem", TABLE), no, yes)


def test_one_refusal_refuses_the_call_and_names_it() -> None:
    role = role_of(rendered(allow("dynamodb:PutItem")), "Fn")
    put, update = Access("dynamodb:PutItem", TABLE), Access("dynamodb:UpdateItem", TABLE)
    verdict = role.decide([put, update])
    assert verdict.denied == (update,)
    assert verdict.uses == {Use("S", "action", "dynamodb:PutItem"), Use("S", "resource", "0")}


def test_uses_name_only_the_parts_that_were_needed() -> None:
    actions, resources = ["dynamodb:GetItem", "dynamodb:PutItem"], [TABLE, TABLE + "/index/due"]
    role = role_of(rendered(allow(actions, resources, keys=["A#*", "B#*"])), "Fn")
    verdict = role.decide([Access("dynamodb:PutItem", TABLE, ("B#1",))])
    used = {Use("S", "action", "dynamodb:PutItem"), Use("S", "resource", "0"),
            Use("S", "key", "B#*")}  # fmt: skip
    assert verdict.uses == used
    assert role.everything() - used == {
        Use("S", "action", "dynamodb:GetItem"), Use("S", "resource", "1"), Use("S", "key", "A#*"),
    }  # fmt: skip


def test_policies_that_sam_adds_need_not_be_used() -> None:
    role = role_of(rendered(allow("sqs:SendMessage", "*"),
                            managed=("AWSLambdaSQSQueueExecutionRole",)), "Fn")  # fmt: skip
    assert {one.statement for one in role.everything()} == {"S"}
    assert role.decide([Access("sqs:ReceiveMessage", "arn:aws:sqs:::q")]).allowed
    assert not role.decide([Access("sqs:PurgeQueue", "arn:aws:sqs:::q")]).allowed


@pytest.mark.parametrize("statement", [
    allow("dynamodb:GetItem") | {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    allow("dynamodb:GetItem", keys=["A"], operator="StringLike"),
    allow("dynamodb:GetItem", keys=["A"], operator="ForAllValues:StringNotLike"),
    allow("dynamodb:GetItem", keys=["A*"], operator="ForAllValues:StringEquals"),
    allow("dynamodb:GetItem") | {"Condition": {
        "StringLike": {"dynamodb:LeadingKeys": "A"}, "Null": {"a": "b"}}},
])  # fmt: skip
def test_a_condition_that_is_not_understood_does_not_pass(statement: dict[str, Any]) -> None:
    with pytest.raises(UnknownPolicyError):
        role_of(rendered(statement), "Fn")


def test_an_unknown_managed_policy_and_a_missing_role() -> None:
    with pytest.raises(UnknownPolicyError, match="Administrator"):
        role_of(rendered(managed=("AdministratorAccess",)), "Fn")
    alone = rendered()
    del alone.resources["FnRole"]
    with pytest.raises(UnknownPolicyError, match="no role"):
        role_of(alone, "Fn")


@pytest.mark.parametrize(("pattern", "value", "expected"), [
    ("A#*", "A#", True), ("A#*", "A#x\ny", True), ("A#?", "A#1", True), ("A#?", "A#", False),
    ("a.c", "abc", False), ("[ab]", "a", False), ("*", "", True), ("A*C", "ABBC", True),
])  # fmt: skip
def test_wildcards(pattern: str, value: str, expected: bool) -> None:
    assert matches(pattern, value) is expected


@given(st.text(), st.text(), st.text())
def test_a_star_matches_whatever_is_between(before: str, between: str, after: str) -> None:
    pattern = before.replace("*", "-").replace("?", "-"), after.replace("*", "-").replace("?", "-")
    assert matches("*".join(pattern), pattern[0] + between + pattern[1])


KEY = {"pk": {"S": "A#1"}, "sk": {"S": "x"}}
OTHER = {"pk": {"S": "B#1"}, "sk": {"S": "x"}}
NAMED = {"TableName": "s-T"}
ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/s-T"


def wanted(service: str, operation: str, **params: Any) -> list[Access]:
    return accesses(service, operation=operation, params=params,
                    partition_key=partition_keys(rendered()))  # fmt: skip


@pytest.mark.parametrize("operation", ["GetItem", "UpdateItem", "DeleteItem"])
def test_calls_with_a_key(operation: str) -> None:
    assert wanted("dynamodb", operation, **NAMED, Key=KEY) == [
        Access(f"dynamodb:{operation}", ARN, ("A#1",))
    ]


def test_puts_and_batches() -> None:
    assert wanted("dynamodb", "PutItem", **NAMED, Item={**KEY, "n": {"N": "1"}}) == [
        Access("dynamodb:PutItem", ARN, ("A#1",))
    ]
    asked = {"s-T": {"Keys": [KEY, OTHER, KEY]}}
    assert wanted("dynamodb", "BatchGetItem", RequestItems=asked) == [
        Access("dynamodb:BatchGetItem", ARN, ("A#1", "B#1"))
    ]
    writes = {"s-T": [{"PutRequest": {"Item": KEY}}, {"DeleteRequest": {"Key": OTHER}}]}
    assert wanted("dynamodb", "BatchWriteItem", RequestItems=writes) == [
        Access("dynamodb:BatchWriteItem", ARN, ("A#1", "B#1"))
    ]


def test_a_transaction_needs_the_action_of_each_part() -> None:
    parts = [{"Put": {**NAMED, "Item": KEY}}, {"Update": {**NAMED, "Key": OTHER}},
             {"Delete": {**NAMED, "Key": KEY}},
             {"ConditionCheck": {**NAMED, "Key": KEY}}]  # fmt: skip
    assert wanted("dynamodb", "TransactWriteItems", TransactItems=parts) == [
        Access("dynamodb:PutItem", ARN, ("A#1",)), Access("dynamodb:UpdateItem", ARN, ("B#1",)),
        Access("dynamodb:DeleteItem", ARN, ("A#1",)),
        Access("dynamodb:ConditionCheckItem", ARN, ("A#1",)),
    ]  # fmt: skip
    gets = [{"Get": {**NAMED, "Key": KEY}}]
    assert wanted("dynamodb", "TransactGetItems", TransactItems=gets) == [
        Access("dynamodb:GetItem", ARN, ("A#1",))
    ]


def test_queries_take_the_leading_key_of_what_they_query() -> None:
    values = {":pk": {"S": "A#1"}, ":s": {"S": "x"}}
    assert wanted("dynamodb", "Query", **NAMED, ExpressionAttributeValues=values,
                  KeyConditionExpression="begins_with(sk, :s) AND pk = :pk") == [
        Access("dynamodb:Query", ARN, ("A#1",))]  # fmt: skip
    assert wanted("dynamodb", "Query", **NAMED, IndexName="due", ExpressionAttributeValues=values,
                  ExpressionAttributeNames={"#s": "shard"},
                  KeyConditionExpression="#s = :s AND due_at <= :pk") == [
        Access("dynamodb:Query", f"{ARN}/index/due", ("x",))]  # fmt: skip
    with pytest.raises(UnknownCallError):
        wanted("dynamodb", "Query", **NAMED, ExpressionAttributeValues=values,
               KeyConditionExpression="sk = :s")  # fmt: skip
    assert wanted("dynamodb", "Scan", **NAMED, IndexName="due") == [
        Access("dynamodb:Scan", f"{ARN}/index/due", None)
    ]


@pytest.mark.parametrize(("service", "operation", "params", "expected"), [
    ("sqs", "SendMessageBatch",
     {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/q.fifo"},
     Access("sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:q.fifo")),
    ("s3", "HeadObject", {"Bucket": "b", "Key": "roster/1"},
     Access("s3:GetObject", "arn:aws:s3:::b/roster/1")),
    ("s3", "ListObjectsV2", {"Bucket": "b"}, Access("s3:ListBucket", "arn:aws:s3:::b")),
    ("secretsmanager", "GetSecretValue", {"SecretId": "instore/a"},
     Access("secretsmanager:GetSecretValue",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:instore/a-AAAAAA")),
    ("secretsmanager", "GetSecretValue", {"SecretId": "arn:x"},
     Access("secretsmanager:GetSecretValue", "arn:x")),
])  # fmt: skip
def test_other_services(
    service: str, operation: str, params: dict[str, Any], expected: Access
) -> None:
    assert wanted(service, operation, **params) == [expected]


@pytest.mark.parametrize(("service", "operation"), [
    ("dynamodb", "ExecuteStatement"), ("sts", "GetCallerIdentity"),
])  # fmt: skip
def test_a_call_without_a_rule_is_an_error(service: str, operation: str) -> None:
    with pytest.raises(UnknownCallError):
        wanted(service, operation)


def test_a_role_without_statements_allows_nothing() -> None:
    nothing = Statement("S", True, (), (), None, own=True)
    assert not Role("r", [nothing]).decide([Access("a:b", "*")]).allowed
