"""S3: the roster files a brand drops into the stack's bucket; uploads and results of imports."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from ..errors import ConflictError, UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Form:
    """What a client needs to upload one file: POST `fields`, then the file, to `url`."""

    url: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file as it was when it was fetched: its ETag, and its bytes on disk, from where
    they can be read as often as need be. In memory is one piece at a time."""

    tag: str
    content: IO[bytes]

    def lines(self) -> Iterator[bytes]:
        """From the first, with their ends. LF, CRLF and CR all end a line."""
        self.content.seek(0)
        rest = b""
        while piece := self.content.read(_PIECE):
            lines = (rest + piece).splitlines(keepends=True)
            # The last one may go on; after a CR at the very end an LF may follow.
            rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
            yield from lines
        if rest:
            yield rest


class Files:
    """One bucket. Reads whole small files (a roster of 20,000 associates is about 2 MB), and
    uploads in pieces."""

    def __init__(self, client: S3Client, *, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def tag(self, key: str) -> str | None:
        """The file's ETag, None if there is no such file: tells whether to read it at all.

        Raises UnavailableError, also for 403: S3 says that in place of 404 to those who may not
        list the bucket, as we may not.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return self._client.head_object(Bucket=self._bucket, Key=key)["ETag"]
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
                return None
            raise UnavailableError("the file is missing or the bucket is away") from error
        except BotoCoreError as error:
            raise UnavailableError("the bucket did not answer") from error

    def read(self, key: str) -> bytes:
        """The file's bytes. Raises UnavailableError."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise UnavailableError("the bucket did not answer") from error

    @contextmanager
    def fetch(self, key: str, *, tag: str | None) -> Iterator[Upload]:
        """Copy an uploaded file to disk, piece by piece, for as long as the context is open: rows
        are worked on for minutes, and no connection should wait for that.

        Raises ConflictError `upload_changed` when the file is not the one of `tag` any more (None:
        whichever is there), and UnavailableError.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        same: dict[str, Any] = {} if tag is None else {"IfMatch": tag}
        with tempfile.TemporaryFile() as content:
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key, **same)
                for piece in answer["Body"].iter_chunks(_PIECE):
                    content.write(piece)
            except ClientError as error:
                if error.response["Error"]["Code"] in ("PreconditionFailed", "412"):
                    raise ConflictError("the file was uploaded again in the meantime",
                                        code="upload_changed") from error  # fmt: skip
                raise UnavailableError("the file is missing or the bucket is away") from error
            except BotoCoreError as error:
                raise UnavailableError("the bucket did not answer") from error
            yield Upload(answer["ETag"], content)

    def write(
        self, key: str, data: bytes, *, content: str = "text/csv; charset=utf-8"
    ) -> None:  # fmt: skip
        """Put a file, over an older one if there is one. Raises UnavailableError."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content)
        except (ClientError, BotoCoreError) as error:
            raise UnavailableError("the bucket did not take the file") from error

    def upload_form(self, key: str, *, most_bytes: int, seconds: int) -> Form:
        """A form with which whoever has it can put this one CSV file, for a while. No request.

        Source: Amazon S3, "POST policy": exact key, content type and a range of lengths.
        """
        fields = {"Content-Type": "text/csv"}
        form = self._client.generate_presigned_post(
            Bucket=self._bucket, Key=key, Fields=dict(fields), ExpiresIn=seconds,
            Conditions=[fields, ["content-length-range", 1, most_bytes]],
        )  # fmt: skip
        return Form(form["url"], dict(form["fields"]))

    def link(self, key: str, *, name: str, seconds: int) -> str:
        """An address from which whoever has it can get this file, for a while. No request."""
        return self._client.generate_presigned_url(
            "get_object", ExpiresIn=seconds,
            Params={"Bucket": self._bucket, "Key": key,
                    "ResponseContentDisposition": f'attachment; filename="{name}"'},
        )  # fmt: skip
