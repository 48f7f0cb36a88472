"""May this function make this call? Answered from its own role in the rendered template.

Evaluates the identity policies that template.yaml gives a role, as IAM does: a Deny wins, then
one Allow is enough; no Allow is a no. Conditions: the string operators on `dynamodb:LeadingKeys`;
another condition raises, because a condition that is not understood must not pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .access import Access, PartitionKey, accesses, table_arn
from .rendering import Rendered

_LEADING_KEYS = "dynamodb:LeadingKeys"
_OPERATORS = ("StringLike", "StringEquals")

# AWS's own policies that SAM attaches (source: AWS managed policy reference), as far as the
# event pump needs them.
_MANAGED: dict[str, tuple[str, ...]] = {
    "AWSLambdaBasicExecutionRole": (
        "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
    "AWSLambdaSQSQueueExecutionRole": (
        "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes",
        "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
    "AWSLambdaDynamoDBExecutionRole": (
        "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
        "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
    "AWSXrayWriteOnlyAccess": ("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
}  # fmt: skip


class UnknownPolicyError(Exception):
    """A policy or condition this file cannot evaluate."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a role. `keys`: (all must match?, patterns), None = no such condition.

    `own`: written in template.yaml, rather than added by SAM or AWS.
    """

    name: str
    allow: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    keys: tuple[bool, tuple[str, ...]] | None
    own: bool


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """One part of one statement that some call needed: kind is action, resource or key.

    `pattern` is as written; of a resource it is the place in the list, the same in every stack.
    """

    statement: str
    kind: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`denied` empty = allowed; `uses` says which parts of the role allowed it."""

    denied: tuple[Access, ...]
    uses: frozenset[Use]

    @property
    def allowed(self) -> bool:
        return not self.denied


@lru_cache(maxsize=4096)
def _pattern(text: str, fold: bool) -> re.Pattern[str]:
    body = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in text)
    return re.compile(body, (re.IGNORECASE if fold else 0) | re.DOTALL)


def matches(pattern: str, value: str, *, fold: bool = False) -> bool:
    """IAM's wildcards: `*` is anything, `?` one character."""
    return _pattern(pattern, fold).fullmatch(value) is not None


class Role:
    """The identity policies of one role."""

    def __init__(self, name: str, statements: Iterable[Statement]) -> None:
        self.name, self.statements = name, tuple(statements)
        self._fitting: dict[tuple[str, str], list[tuple[Statement, frozenset[Use]]]] = {}

    def _fits(self, access: Access) -> list[tuple[Statement, frozenset[Use]]]:
        """Statements about this action and resource, with the parts of them that say so. Kept: a
        test run asks half a million times."""
        asked = access.action, access.resource
        if asked not in self._fitting:
            self._fitting[asked] = [
                (one, frozenset(_named(one, access))) for one in self.statements
                if any(matches(pattern, access.action, fold=True) for pattern in one.actions)
                and any(matches(pattern, access.resource) for pattern in one.resources)
            ]  # fmt: skip
        return self._fitting[asked]

    def decide(self, wanted: Iterable[Access]) -> Verdict:
        """Judge everything one call needs: one refusal refuses the call."""
        denied: list[Access] = []
        uses: set[Use] = set()
        for access in wanted:
            found = [fit for fit in self._fits(access) if _keys_hold(fit[0], access)]
            if any(not one.allow for one, _ in found) or not found:
                denied.append(access)
                continue
            for one, named in found:
                uses |= named
                uses.update(_keys_used(one, access))
        return Verdict(tuple(denied), frozenset(uses))

    def everything(self) -> frozenset[Use]:
        """Every part of the statements written in template.yaml: what must have been used."""
        return frozenset(
            Use(one.name, kind, pattern)
            for one in self.statements if one.own and one.allow
            for kind, patterns in (("action", one.actions),
                                   ("resource", tuple(map(str, range(len(one.resources))))),
                                   ("key", one.keys[1] if one.keys else ()))
            for pattern in patterns
        )  # fmt: skip


def _keys_hold(statement: Statement, access: Access) -> bool:
    if statement.keys is None:
        return True
    every, patterns = statement.keys
    # ForAllValues holds when the request carries no such key at all: IAM's own trap, kept.
    hits = [any(matches(one, key) for one in patterns) for key in access.leading_keys or ()]
    return all(hits) if every else any(hits)


def _named(statement: Statement, access: Access) -> Iterable[Use]:
    for one in statement.actions:
        if matches(one, access.action, fold=True):
            yield Use(statement.name, "action", one)
    for place, one in enumerate(statement.resources):
        if matches(one, access.resource):
            yield Use(statement.name, "resource", str(place))


def _keys_used(statement: Statement, access: Access) -> Iterable[Use]:
    for one in statement.keys[1] if statement.keys else ():
        if any(matches(one, key) for key in access.leading_keys or ()):
            yield Use(statement.name, "key", one)


def role_of(rendered: Rendered, function: str) -> Role:
    """The role of a function (logical id), read from the rendered template."""
    arn = rendered.of("AWS::Lambda::Function")[function]["Role"]
    for name, role in rendered.of("AWS::IAM::Role").items():
        if rendered.resolver.known.get(f"{name}.Arn") == arn:
            return Role(rendered.reference(name), _statements(role))
    raise UnknownPolicyError(f"{function} has no role of this template")


def _statements(role: Mapping[str, Any]) -> Iterable[Statement]:
    for arn in role.get("ManagedPolicyArns", []):
        short = arn.rsplit("/", 1)[-1]
        if short not in _MANAGED:
            raise UnknownPolicyError(f"managed policy {short} is not known here")
        yield Statement(short, True, _MANAGED[short], ("*",), None, own=False)
    for policy in role.get("Policies", []):
        written = policy["PolicyName"] != "DeadLetterQueuePolicy"  # SAM's, for Lambda itself
        for index, raw in enumerate(policy["PolicyDocument"]["Statement"]):
            name = raw.get("Sid") or f"{policy['PolicyName']}[{index}]"
            yield Statement(
                name, raw["Effect"] == "Allow", _many(raw["Action"]), _many(raw["Resource"]),
                _condition(raw.get("Condition", {})), own=written,
            )  # fmt: skip


def _many(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _condition(raw: Mapping[str, Any]) -> tuple[bool, tuple[str, ...]] | None:
    if not raw:
        return None
    if len(raw) == 1:
        ((operator, tests),) = raw.items()
        quantifier, _, plain = operator.rpartition(":")
        if set(tests) == {_LEADING_KEYS} and plain in _OPERATORS and quantifier in (
                "ForAllValues", "ForAnyValue"):  # fmt: skip
            patterns = _many(tests[_LEADING_KEYS])
            if plain == "StringEquals" and any("*" in one or "?" in one for one in patterns):
                raise UnknownPolicyError("StringEquals takes no wildcards")
            return quantifier == "ForAllValues", patterns
    raise UnknownPolicyError(f"condition {raw} is not understood")


def partition_keys(rendered: Rendered) -> PartitionKey:
    """How the template's tables and indexes are keyed, by physical name."""
    keys: dict[tuple[str, str | None], str] = {}
    for name, table in rendered.of("AWS::DynamoDB::Table").items():
        arn = table_arn(rendered.reference(name))
        keys[arn, None] = table["KeySchema"][0]["AttributeName"]
        for index in table.get("GlobalSecondaryIndexes", []):
            keys[arn, index["IndexName"]] = index["KeySchema"][0]["AttributeName"]
    return lambda table, index: keys[table_arn(table), index]


def judge(
    role: Role, *, service: str, operation: str, params: Mapping[str, Any], keys: PartitionKey
) -> Verdict:
    """Whether the role allows a boto3 call, and by which parts of it."""
    wanted = accesses(service, operation=operation, params=params, partition_key=keys)
    return role.decide(wanted)
