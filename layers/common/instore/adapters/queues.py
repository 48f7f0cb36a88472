"""SQS: batches to be sent, imports to be worked on; in order: what LivePerson and Twilio tell, due texts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..errors import UnavailableError
from ..model import fingerprint, iso

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class Queues:
    """Sends; Lambda receives. A queue that refuses is an UnavailableError, never silence."""

    def __init__(
        self, client: SQSClient, *, outreach: str, assignment: str, imports: str = "",
        sms: str = "", relay: str = "", line: str = "",
    ) -> None:  # fmt: skip
        self._client, self._outreach, self._assignment = client, outreach, assignment
        self._imports, self._sms, self._relay, self._line = imports, sms, relay, line

    def batch_ready(self, batch_id: str, *, delay_s: int = 0) -> None:
        """Say that a batch can be sent, `delay_s` (0-900) from now: the program's linger."""
        self._call("send_message", QueueUrl=self._outreach, DelaySeconds=delay_s,
                   MessageBody=json.dumps({"batch": batch_id}))  # fmt: skip

    def import_ready(self, import_id: str, *, delay_s: int = 0) -> None:
        """Say that there is something to do for an import, `delay_s` (0-900) from now."""
        self._call("send_message", QueueUrl=self._imports, DelaySeconds=delay_s,
                   MessageBody=json.dumps({"import": import_id}))  # fmt: skip

    def relay_ready(self, run: str, *, delay_s: int = 0) -> None:
        """Say that there is something to do for a run, `delay_s` (0-900) from now."""
        self._call("send_message", QueueUrl=self._relay, DelaySeconds=delay_s,
                   MessageBody=json.dumps({"run": run}))  # fmt: skip

    def texts_due(self, shard: int, *, at: datetime) -> None:
        """Say that a shard of the line has many texts due. FIFO per shard: one process at a time
        works on it. Said twice in a minute counts once."""
        self._call("send_message", QueueUrl=self._line, MessageGroupId=str(shard),
                   MessageDeduplicationId=f"{shard}.{at:%Y%m%dT%H%M}",
                   MessageBody=json.dumps({"shard": shard}))  # fmt: skip

    def texts_due_again(self, receipt: str, *, after_s: int) -> None:
        """Have a message about due texts, just received, shown again in `after_s` unless it is done."""
        self._again(self._line, [receipt], after_s=after_s)

    def conversation_changes(self, changes: Iterable[Mapping[str, Any]]) -> None:
        """Queue changes (dicts with `account` and `conversation`), FIFO per conversation.

        Identical changes within five minutes are dropped by the queue itself. Ten a request.
        """
        entries = [
            {
                "Id": str(index),
                "MessageBody": json.dumps(change, separators=(",", ":")),
                "MessageGroupId": f"{change['account']}.{change['conversation']}"[:128],
                "MessageDeduplicationId": fingerprint(change),
            }
            for index, change in enumerate(changes)
        ]
        for start in range(0, len(entries), 10):
            answer = self._call("send_message_batch", QueueUrl=self._assignment,
                                Entries=entries[start : start + 10])  # fmt: skip
            if answer.get("Failed"):
                raise UnavailableError("the queue refused some changes")

    def sms(
        self, kind: str, fields: Mapping[str, str], *, group: str, dedup: str, at: datetime
    ) -> None:
        """Queue what Twilio told: `kind` inbound | status, the form's fields, when it was heard.

        FIFO per `group` (no number in it); the same `dedup` within five minutes is dropped by the
        queue itself.
        """
        body = {"kind": kind, "fields": dict(fields), "at": iso(at)}
        self._call("send_message", QueueUrl=self._sms, MessageGroupId=group[:128],
                   MessageDeduplicationId=fingerprint(dedup),
                   MessageBody=json.dumps(body, separators=(",", ":")))  # fmt: skip

    def sms_again(self, receipts: Iterable[str], *, after_s: int) -> None:
        """Have messages just received shown again in `after_s` (0-43200). One that the queue has
        taken back meanwhile is left as it is. Ten a request."""
        self._again(self._sms, receipts, after_s=after_s)

    def changes_again(self, receipts: Iterable[str], *, after_s: int) -> None:
        """The same of conversation changes."""
        self._again(self._assignment, receipts, after_s=after_s)

    def _again(self, queue: str, receipts: Iterable[str], *, after_s: int) -> None:
        entries = [{"Id": str(n), "ReceiptHandle": receipt, "VisibilityTimeout": after_s}
                   for n, receipt in enumerate(receipts)]  # fmt: skip
        for start in range(0, len(entries), 10):
            self._call("change_message_visibility_batch", QueueUrl=queue,
                       Entries=entries[start : start + 10])  # fmt: skip

    def _call(self, operation: str, **request: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client, operation)(**request)
        except (ClientError, BotoCoreError) as error:
            raise UnavailableError("the queue did not take the message") from error
