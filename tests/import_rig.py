"""The shop of outreach_rig with a bucket: uploads, the import queue, and what came of them."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterable
from typing import Any

import boto3
from tests.outreach_rig import ANNA, LOGINS, ROOT, Killed, Queue, Rig, phone

from instore.adapters.files import Files
from instore.adapters.table import Table
from instore.runtime.services import Services
from instore.runtime.settings import Settings

_numbers = itertools.count(1)
SCOPES = "outreach/import outreach/read outreach/send"


class ImportQueue(Queue):
    """The outreach queue and the import queue, as lists."""

    def __init__(self, boundaries: Any) -> None:
        super().__init__(boundaries)
        self.imports: list[str] = []
        self.delays: list[int] = []

    def import_ready(self, import_id: str, *, delay_s: int = 0) -> None:
        def send() -> None:
            self.imports.append(json.dumps({"import": import_id}))
            self.delays.append(delay_s)

        self._boundaries.cross("sqs import", send)


class ImportRig(Rig):
    """A Rig whose processes also have a bucket."""

    def __init__(self, table: Table, clock: Any) -> None:
        self.bucket = f"imports-{next(_numbers)}"
        self.s3: Any = boto3.client("s3")
        self.s3.create_bucket(Bucket=self.bucket)
        settings = Settings(table_name="t", import_bucket=self.bucket, import_queue_url="iq",
                            outreach_queue_url="oq")  # fmt: skip
        super().__init__(table, clock, settings)
        self.queue: ImportQueue = ImportQueue(self.boundaries)
        self.remaining_s = 120.0
        self.files = Files(self.s3, bucket=self.bucket)

    def services(self) -> Services:
        house = super().services()
        plain: Any = house
        plain.import_files = self.files
        return house

    def open(self, *, key: str = "i-1", mode: str = "send", **more: Any) -> str:
        status, body = self.ask_to_open(key=key, mode=mode, **more)
        assert status == 201, body
        return str(body["id"])

    def ask_to_open(
        self, *, key: str = "i-1", mode: str = "send", login: str = LOGINS[ANNA],
        scopes: str = SCOPES, **more: Any,
    ) -> tuple[int, dict[str, Any]]:  # fmt: skip
        body = {"template": "new-arrivals", "mode": mode} | more
        return self.ask("POST /outreach/imports", body, key=key, login=login, scopes=scopes)

    def on_import(self, import_id: str, what: str = "", **more: Any) -> tuple[int, dict[str, Any]]:
        method = "POST" if what else "GET"
        return self.ask(f"{method} /outreach/imports/{{id}}{what}", key=None,
                        **{"scopes": SCOPES, "path": {"id": import_id}, **more})  # fmt: skip

    def look(self, import_id: str, **more: Any) -> dict[str, Any]:
        status, body = self.on_import(import_id, **more)
        assert status == 200, body
        return body

    def upload(self, import_id: str, content: str | bytes) -> str:
        """Put the file there; what S3 then tells the queue."""
        data = content.encode() if isinstance(content, str) else content
        key = f"imports/{import_id}/upload.csv"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=data)
        event = json.loads((ROOT / "events/outreach_import.sqs.json").read_text())
        told: dict[str, Any] = json.loads(event["Records"][0]["body"])
        told["Records"][0]["s3"]["object"]["key"] = key
        return json.dumps(told)

    def run(self, *bodies: str) -> dict[str, Any]:
        """Hand these queue messages to the function, one invocation each, in fresh processes."""
        from outreach_import import app

        event: dict[str, Any] = json.loads((ROOT / "events/outreach_import.sqs.json").read_text())
        record = event["Records"][0]
        answer: dict[str, Any] = {}
        for body in bodies:
            with self.process():
                answer = app.handler(
                    {"Records": [{**record, "messageId": "m-1", "body": body}]}, self.context()
                )
        return answer

    def run_queued(self) -> int:
        """Deliver what the import queue has until it is empty; gives the invocations it took."""
        count = 0
        while self.queue.imports:
            count += 1
            assert count < 1000
            self.run(self.queue.imports.pop(0))
        return count

    def imported(self, content: str | bytes, **more: Any) -> str:
        """Open, upload, run to the end."""
        import_id = self.open(**more)
        self.run(self.upload(import_id, content))
        self.run_queued()
        return import_id

    def object(self, key: str) -> bytes:
        return bytes(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def result(self, import_id: str, mode: str = "send") -> list[dict[str, str]]:
        text = self.object(f"results/{import_id}/{mode}/result.csv").decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))

    def verdicts(self, import_id: str, mode: str = "send") -> list[tuple[str, str]]:
        return [(row["verdict"], row["reason"]) for row in self.result(import_id, mode)]

    def import_item(self, import_id: str) -> dict[str, Any]:
        item = self.table.get(f"IMPORT#{import_id}", "IMPORT")
        assert item is not None
        return item


def sheet(numbers: Iterable[str], *, first: str = "Phone,1,2") -> str:
    """A file with a row per number."""
    return "\r\n".join([first, *(f"{number},Anna,Kay" for number in numbers)]) + "\r\n"


__all__ = ["ImportRig", "Killed", "phone", "sheet"]
