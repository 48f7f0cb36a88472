"""What CloudFormation does for buckets and moto does not: their notifications, checked as S3 does.

S3 refuses a notification whose queue does not take messages from that bucket; so is it here. From
then on moto itself tells the queue of every object, in S3's own shape, a test event first.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any

from .intrinsics import ACCOUNT, PARTITION, REGION
from .rendering import Rendered


class NotificationRefusedError(Exception):
    """Unable to validate the following destination configurations: S3's own words."""


def connect(rendered: Rendered) -> None:
    """Set up the notifications of every bucket of a deployed template."""
    import boto3

    s3 = boto3.client("s3", region_name=REGION)
    for name, bucket in rendered.of("AWS::S3::Bucket").items():
        wanted = bucket.get("NotificationConfiguration", {})
        unknown = set(wanted) - {"QueueConfigurations"}
        if unknown:
            raise NotificationRefusedError(f"not supported here: {', '.join(sorted(unknown))}")
        queues = wanted.get("QueueConfigurations", [])
        if not queues:
            continue
        physical = rendered.reference(name)
        for one in queues:
            if not _may_tell(rendered, queue=one["Queue"], bucket=physical):
                raise NotificationRefusedError(f"{one['Queue']} does not take events of {physical}")
        s3.put_bucket_notification_configuration(
            Bucket=physical,
            NotificationConfiguration={"QueueConfigurations": [_as_asked(one) for one in queues]},
        )


def _as_asked(one: Mapping[str, Any]) -> Any:
    # CloudFormation's words -> those of the S3 API.
    asked: dict[str, Any] = {"QueueArn": one["Queue"], "Events": [one["Event"]]}
    rules = one.get("Filter", {}).get("S3Key", {}).get("Rules", [])
    if rules:
        asked["Filter"] = {"Key": {"FilterRules": [dict(rule) for rule in rules]}}
    return asked


def _may_tell(rendered: Rendered, *, queue: str, bucket: str) -> bool:
    url = {rendered.resolver.known[f"{name}.Arn"]: rendered.reference(name)
           for name in rendered.of("AWS::SQS::Queue")
           if f"{name}.Arn" in rendered.resolver.known}[queue]  # fmt: skip
    for policy in rendered.of("AWS::SQS::QueuePolicy").values():
        if url not in policy["Queues"]:
            continue
        for statement in policy["PolicyDocument"]["Statement"]:
            if _admits(statement, queue=queue, bucket=bucket):
                return True
    return False


def _admits(statement: Mapping[str, Any], *, queue: str, bucket: str) -> bool:
    """Does a statement of a queue's policy let S3 send for this bucket? A condition that is not
    understood lets nothing pass."""
    if (statement["Effect"], statement["Principal"]) != ("Allow", {"Service": "s3.amazonaws.com"}):
        return False
    if statement["Action"] != "sqs:SendMessage" or statement["Resource"] != queue:
        return False
    carried = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": f"arn:{PARTITION}:s3:::{bucket}"}
    for operator, tests in statement.get("Condition", {}).items():
        for key, wanted in tests.items():
            if operator not in ("StringEquals", "ArnLike", "ArnEquals") or key not in carried:
                return False
            exact = operator == "StringEquals"
            value = carried[key]
            if not (value == wanted if exact else fnmatch.fnmatchcase(value, wanted)):
                return False
    return True
