"""S3's front door on loopback, for whoever was given a form or a link: no credentials of their own.

A browser posts a form to the bucket's host, or gets a signed link. Here the request comes to
loopback with that host in its Host header, as if DNS had led there. What S3 checks is checked:
the signature, the time (the machine's own, as the signer used), and every condition of the policy;
then whether the role of the function that signed it may do it at all.
Sources: Amazon S3 API reference, "Browser-based uploads using POST" (policy and its conditions,
signature calculation) and "Authenticating requests: using query parameters".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl, quote

from .http_event import Request, Response
from .intrinsics import REGION

SECRET = "testing"  # of every function's made-up credentials
_FREE = ("x-amz-signature", "file", "policy")
# (function that signed, operation, parameters) -> whether its role allows that.
Judge = Callable[[str, str, Mapping[str, Any]], bool]


class _RefusedError(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class UploadDoor:
    """Takes forms and links of one stack's buckets. `s3` is a client of the stack (moto)."""

    def __init__(self, s3: Any, *, judge: Judge) -> None:
        self._s3, self._judge = s3, judge

    def answer(self, request: Request) -> Response:
        """One request, as S3 would answer it."""
        headers = request.joined_headers()
        bucket = headers.get("host", "").split(".s3.", 1)[0]
        try:
            if request.method == "POST" and request.raw_path == "/":
                return self._take(bucket, headers, request.body)
            if request.method == "GET":
                return self._give(bucket, headers, request)
            raise _RefusedError(405, "MethodNotAllowed")
        except _RefusedError as error:
            body = f"<Error><Code>{error.code}</Code></Error>".encode()
            return Response(error.status, body, [("content-type", "application/xml")])

    # ------------------------------------------------------------ forms

    def _take(self, bucket: str, headers: Mapping[str, str], body: bytes) -> Response:
        fields, content = read_form(headers.get("content-type", ""), body)
        signer = _checked_form(fields)
        check_policy(fields, bucket=bucket, size=len(content), now=datetime.now(UTC))
        params = {"Bucket": bucket, "Key": fields["key"]}
        if not self._judge(signer, "PutObject", params):
            raise _RefusedError(403, "AccessDenied")
        self._s3.put_object(**params, Body=content,
                            ContentType=fields.get("content-type", "binary/octet-stream"))  # fmt: skip
        return Response(204, b"")

    # ------------------------------------------------------------ links

    def _give(self, bucket: str, headers: Mapping[str, str], request: Request) -> Response:
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        signer = _checked_link(query, host=headers["host"], path=request.raw_path)
        params = {"Bucket": bucket, "Key": request.raw_path.removeprefix("/")}
        if not self._judge(signer, "GetObject", params):
            raise _RefusedError(403, "AccessDenied")
        try:
            found = self._s3.get_object(**params)
        except self._s3.exceptions.NoSuchKey:
            raise _RefusedError(404, "NoSuchKey") from None
        disposition = query.get("response-content-disposition", "attachment")
        return Response(200, found["Body"].read(), [("content-type", found["ContentType"]),
                                                    ("content-disposition", disposition)])  # fmt: skip


def read_form(content_type: str, body: bytes) -> tuple[dict[str, str], bytes]:
    """Fields (names in lower case) and file of a multipart form; the file comes last."""
    head = f"content-type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    if not message.is_multipart():
        raise _RefusedError(400, "MalformedPOSTRequest")
    fields: dict[str, str] = {}
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition")).lower()
        content: Any = part.get_payload(decode=True)
        if name == "file":
            return fields, content
        fields[name] = content.decode()
    raise _RefusedError(400, "InvalidArgument")


def _checked_form(fields: Mapping[str, str]) -> str:
    """Who signed the policy. Raises when nobody of ours did."""
    for name in ("policy", "x-amz-signature", "x-amz-credential", "x-amz-algorithm", "key"):
        if name not in fields:
            raise _RefusedError(403 if name == "policy" else 400, "AccessDenied")
    signer, scope = _scope(fields["x-amz-credential"])
    wanted = _signature(scope, fields["policy"])
    if not hmac.compare_digest(wanted, fields["x-amz-signature"]):
        raise _RefusedError(403, "SignatureDoesNotMatch")
    return signer


def check_policy(
    fields: Mapping[str, str], *, bucket: str, size: int, now: datetime
) -> None:  # fmt: skip
    """Every condition holds, and every field is spoken of by one. Raises otherwise."""
    policy = json.loads(base64.b64decode(fields["policy"]))
    if now > datetime.fromisoformat(policy["expiration"]):
        raise _RefusedError(403, "AccessDenied")
    given = {**fields, "bucket": bucket}
    spoken_of = set()
    for condition in policy["conditions"]:
        if isinstance(condition, dict):
            ((name, value),) = condition.items()
            operator = "eq"
        else:
            operator, name, value = condition
            if operator == "content-length-range":
                if not int(name) <= size <= int(value):
                    raise _RefusedError(400, "EntityTooLarge" if size > int(value)
                                        else "EntityTooSmall")  # fmt: skip
                continue
            name = str(name).removeprefix("$")
        name = str(name).lower()
        spoken_of.add(name)
        found = given.get(name)
        holds = found == value if operator == "eq" else (
            operator == "starts-with" and found is not None and found.startswith(value)
        )  # fmt: skip
        if not holds:
            raise _RefusedError(403, "AccessDenied")
    if set(fields) - spoken_of - set(_FREE):
        raise _RefusedError(403, "AccessDenied")


def _checked_link(query: Mapping[str, str], *, host: str, path: str) -> str:
    if "X-Amz-Signature" not in query:
        raise _RefusedError(403, "AccessDenied")
    signer, scope = _scope(query["X-Amz-Credential"])
    signed_at = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if datetime.now(UTC) > signed_at + timedelta(seconds=int(query["X-Amz-Expires"])):
        raise _RefusedError(403, "AccessDenied")
    pairs = sorted((quote(name, safe="~"), quote(value, safe="~"))
                   for name, value in query.items() if name != "X-Amz-Signature")  # fmt: skip
    canonical = "\n".join(["GET", path, "&".join(f"{n}={v}" for n, v in pairs),
                           f"host:{host}\n", "host", "UNSIGNED-PAYLOAD"])  # fmt: skip
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", query["X-Amz-Date"], "/".join(scope), digest])
    if not hmac.compare_digest(_signature(scope, text), query["X-Amz-Signature"]):
        raise _RefusedError(403, "SignatureDoesNotMatch")
    return signer


def _scope(credential: str) -> tuple[str, list[str]]:
    signer, *scope = credential.split("/")
    if len(scope) != 4 or scope[1:] != [REGION, "s3", "aws4_request"]:
        raise _RefusedError(400, "AuthorizationQueryParametersError")
    return signer, scope


def _signature(scope: list[str], text: str) -> str:
    key = f"AWS4{SECRET}".encode()
    for part in scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
