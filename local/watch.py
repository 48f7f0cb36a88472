"""Every AWS call of a function, noted and judged by its own role: a refused call raises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from .access import Access, PartitionKey, UnknownCallError
from .intrinsics import ACCOUNT
from .policy import Role, Verdict, judge

# How each service words a refusal. Source: the services' API references.
_CODES = {"s3": "AccessDenied", "sqs": "AccessDenied"}


IS_IT_THERE = "(is it there)"


@dataclass(frozen=True, slots=True)
class Call:
    """One call a handler made, and what its role says to it."""

    service: str
    operation: str
    params: Mapping[str, Any]
    verdict: Verdict


class Watch:
    """Stands around the calls of one function (see lock.watching)."""

    def __init__(
        self, function: str, *, role: Role, keys: PartitionKey, calls: list[Call],
        enforce: bool = True,
    ) -> None:  # fmt: skip
        self._function, self._role, self._keys = function, role, keys
        self._calls, self._enforce = calls, enforce

    def __call__(
        self, run: Callable[[], Any], *, service: str, operation: str, params: dict[str, Any]
    ) -> Any:
        verdict = self._judge(service, operation, params)
        self._calls.append(Call(service, operation, params, verdict))
        if verdict.denied and self._enforce:
            raise self._refusal(service, operation, verdict.denied[0])
        try:
            return run()
        except ClientError as error:
            if service == "s3" and error.response["Error"]["Code"] in ("404", "NoSuchKey"):
                self._hide_absence(operation, params, error)
            raise

    def _judge(self, service: str, operation: str, params: Mapping[str, Any]) -> Verdict:
        try:
            return judge(self._role, service=service, operation=operation, params=params,
                         keys=self._keys)  # fmt: skip
        except (UnknownCallError, KeyError):
            # A table that is not the stack's, or a call nobody thought of: not allowed.
            return Verdict((Access(f"{service}:{operation}", "*"),), frozenset())

    def _hide_absence(self, operation: str, params: Mapping[str, Any], error: ClientError) -> None:
        # S3 says 403 rather than 404 to who may not list the bucket.
        verdict = self._judge("s3", "ListObjectsV2", {"Bucket": params["Bucket"]})
        self._calls.append(Call("s3", IS_IT_THERE, params, verdict))
        if verdict.denied and self._enforce:
            code = "403" if operation == "HeadObject" else "AccessDenied"
            answer: Any = {"Error": {"Code": code, "Message": "Forbidden"},
                           "ResponseMetadata": {"HTTPStatusCode": 403}}  # fmt: skip
            raise ClientError(answer, operation) from error

    def _refusal(self, service: str, operation: str, access: Access) -> ClientError:
        who = f"arn:aws:sts::{ACCOUNT}:assumed-role/{self._role.name}/{self._function}"
        answer: Any = {
            "Error": {
                "Code": _CODES.get(service, "AccessDeniedException"),
                "Message": f"User: {who} is not authorized to perform: {access.action} on "
                           f"resource: {access.resource} because no identity-based policy allows "
                           f"the {access.action} action",
            },
            "ResponseMetadata": {"HTTPStatusCode": 403 if service in _CODES else 400},
        }  # fmt: skip
        return ClientError(answer, operation)
