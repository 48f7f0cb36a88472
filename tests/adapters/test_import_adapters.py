"""Imports in the table, and files as imports use them: forms, copies on disk, links."""

from __future__ import annotations

import io
import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from instore.adapters.files import Files
from instore.adapters.imports import Imports, to_item
from instore.adapters.queues import Queues
from instore.adapters.table import Table
from instore.errors import ConflictError, UnavailableError
from instore.import_state import Columns, Import, ImportState
from instore.runtime.services import Services
from instore.runtime.settings import Settings

NOW = datetime(2026, 11, 18, 17, tzinfo=UTC)
_numbers = itertools.count()
no_real_aws = pytest.mark.skipif(
    bool(os.environ.get("DYNAMODB_ENDPOINT")), reason="only DynamoDB is real then"
)


def an_import(name: str = "i1") -> Import:
    return Import(
        id=name, owner="anna@kay.example.com", associate=None, template="sale", columns=Columns(),
        mode="send", fingerprint="f", size=10, limit=100, page_rows=50, created_at=NOW,
        expires_at=NOW + timedelta(days=35),
    )  # fmt: skip


def test_an_import_is_written_once_until_it_is_forgotten(table: Table) -> None:
    imports = Imports(table)
    assert imports.get("i1") is None
    assert imports.create(an_import(), now=NOW) is None
    other = replace(an_import(), fingerprint="g")
    assert imports.create(other, now=NOW) == an_import()
    assert imports.get("i1") == an_import()
    assert imports.create(other, now=NOW + timedelta(days=36)) is None


def test_of_two_who_change_it_one_wins(table: Table) -> None:
    imports = Imports(table)
    imports.create(an_import(), now=NOW)
    seen = imports.get("i1")
    assert seen is not None
    first = imports.save(seen.claimed("a", now=NOW))
    assert first is not None
    assert first.rev == 2
    assert imports.save(seen.claimed("b", now=NOW)) is None
    assert imports.save(first.cancelled()) == replace(
        first, state=ImportState.CANCELLED, rev=3
    )  # fmt: skip


def test_a_write_whose_answer_was_lost_has_won(table: Table) -> None:
    imports = Imports(table)
    imports.create(an_import(), now=NOW)
    wanted = an_import().claimed("a", now=NOW)
    table.put(to_item(replace(wanted, rev=2)))
    assert imports.save(wanted) == replace(wanted, rev=2)


# ---------------------------------------------------------------- files


@pytest.fixture
def files(_aws: None) -> Files:
    s3: Any = boto3.client("s3")
    bucket = f"import-files-{next(_numbers)}"
    s3.create_bucket(Bucket=bucket)
    return Files(s3, bucket=bucket)


@no_real_aws
def test_an_upload_is_copied_and_read_as_often_as_need_be(files: Files) -> None:
    content = b"a\r\n" * 50_000 + b"end"
    files.write("imports/i1/upload.csv", content)
    with files.fetch("imports/i1/upload.csv", tag=None) as upload:
        assert b"".join(upload.lines()) == content
        assert sum(1 for _ in upload.lines()) == 50_001
        tag = upload.tag
    with files.fetch("imports/i1/upload.csv", tag=tag) as again:
        assert again.tag == tag
    files.write("imports/i1/upload.csv", b"other")
    with pytest.raises(ConflictError) as caught, files.fetch("imports/i1/upload.csv", tag=tag):
        pass
    assert caught.value.public_code == "upload_changed"
    with pytest.raises(UnavailableError), files.fetch("imports/i2/upload.csv", tag=None):
        pass


class Body:
    """What S3 streams: remembers how much was asked for at a time, and may break off."""

    def __init__(self, content: bytes, *, breaks: bool = False) -> None:
        self.stream, self.sizes, self.breaks = io.BytesIO(content), list[int](), breaks

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        self.sizes.append(size)
        while piece := self.stream.read(size):
            yield piece
            if self.breaks:
                raise ReadTimeoutError(endpoint_url="s3")


class S3:
    def __init__(self, body: Body) -> None:
        self.body = body

    def get_object(self, **_: Any) -> dict[str, Any]:
        return {"Body": self.body, "ETag": "t"}

    def put_object(self, **_: Any) -> None:
        raise ClientError({"Error": {"Code": "SlowDown", "Message": ""}}, "PutObject")


def test_a_copy_is_made_in_pieces_and_a_broken_one_is_none() -> None:
    body = Body(b"x" * 1_000_000)
    fake: Any = S3(body)
    with Files(fake, bucket="b").fetch("k", tag=None) as upload:
        assert sum(len(line) for line in upload.lines()) == 1_000_000
    assert body.sizes == [65536]
    broken: Any = S3(Body(b"x" * 200_000, breaks=True))
    with pytest.raises(UnavailableError), Files(broken, bucket="b").fetch("k", tag=None):
        pass
    with pytest.raises(UnavailableError):
        Files(fake, bucket="b").write("k", b"")


def test_forms_and_links_hold_for_the_regional_host(monkeypatch: Any) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ca-central-1")
    boto3.setup_default_session()
    try:
        files = Services(Settings(import_bucket="b-1")).import_files
        form = files.upload_form("imports/i1/upload.csv", most_bytes=5, seconds=900)
        assert form.url == "https://b-1.s3.ca-central-1.amazonaws.com/"
        assert form.fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
        link = files.link("results/i1/send/result.csv", name="r.csv", seconds=900)
        assert link.startswith("https://b-1.s3.ca-central-1.amazonaws.com/results/i1/send/")
        assert "X-Amz-Expires=900" in link
    finally:
        monkeypatch.undo()
        boto3.setup_default_session()


@no_real_aws
@pytest.mark.usefixtures("_aws")
def test_an_import_is_queued_with_its_delay() -> None:
    sqs: Any = boto3.client("sqs")
    url = sqs.create_queue(QueueName="imports")["QueueUrl"]
    queues = Queues(sqs, outreach="", assignment="", imports=url)
    queues.import_ready("i1")
    queues.import_ready("i2", delay_s=60)
    (message,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert json.loads(message["Body"]) == {"import": "i1"}
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert told["ApproximateNumberOfMessagesDelayed"] == "1"
