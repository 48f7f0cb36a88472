"""S3: the roster files a brand drops into the stack's bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Files:
    """Reads whole small files (a roster of 20,000 associates is about 2 MB)."""

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
