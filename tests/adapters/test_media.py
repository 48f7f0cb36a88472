"""What the hosts of pictures say of a file, before it is texted."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from instore.adapters.media import MediaFiles
from instore.errors import BadInputError, UnavailableError
from instore.request_content import FileSeen

URL = "https://media.kay.example/ring.jpg"


def looking(*answers: Any) -> tuple[MediaFiles, list[httpx.Request]]:
    script, seen = list(answers), []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        given = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(given, Exception):
            raise given
        return given

    return MediaFiles(transport=httpx.MockTransport(answer)), seen


def told(size: str | None, kind: str = "image/jpeg", status: int = 200) -> httpx.Response:
    headers = {"content-type": kind} | ({"content-length": size} if size is not None else {})
    return httpx.Response(status, headers=headers)


def test_type_and_size_are_asked_without_fetching_the_file() -> None:
    files, seen = looking(told("80000", "Image/JPEG; charset=binary"))
    assert files.look([URL, URL]) == [FileSeen("image/jpeg", 80_000)] * 2
    assert [(r.method, str(r.url)) for r in seen] == [("HEAD", URL)] * 2
    assert "authorization" not in seen[0].headers


@pytest.mark.parametrize("first", [told(None), told("many"), told("0", status=405)])
def test_a_host_that_does_not_tell_the_size_is_asked_for_the_file(first: httpx.Response) -> None:
    files, seen = looking(first, httpx.Response(200, content=b"x" * 70, headers={
        "content-type": "image/png"}))  # fmt: skip
    assert files.look([URL]) == [FileSeen("image/png", 70)]
    assert [r.method for r in seen] == ["HEAD", "GET"]


@pytest.mark.parametrize("status", [403, 404, 501])
def test_an_address_made_for_get_alone_is_got(status: int) -> None:
    """Signed addresses of a bucket refuse HEAD, which they were not signed for."""
    files, _ = looking(told("0", status=status), httpx.Response(
        200, content=b"x" * 70, headers={"content-type": "image/png"}))  # fmt: skip
    assert files.look([URL]) == [FileSeen("image/png", 70)]


@pytest.mark.parametrize(("answers", "code"), [
    ([httpx.Response(404)], "media_not_found"), ([httpx.Response(403)], "media_not_found"),
    ([httpx.Response(302, headers={"location": "https://x.example"})], "media_not_found"),
    ([told("5", kind="")], "media_type"),
    ([told(None), httpx.Response(200, content=b"x" * 5_000_001)], "media_too_large"),
])  # fmt: skip
def test_a_file_that_cannot_be_texted_is_told(answers: list[Any], code: str) -> None:
    files, _ = looking(*answers)
    with pytest.raises(BadInputError) as refused:
        files.look([URL])
    assert refused.value.public_code == code


@pytest.mark.parametrize("answer", [
    httpx.Response(500), httpx.Response(429), httpx.ConnectError("x"), httpx.ReadTimeout("x"),
])  # fmt: skip
def test_a_host_that_does_not_answer_may_be_asked_again(answer: Any) -> None:
    files, _ = looking(answer)
    with pytest.raises(UnavailableError) as away:
        files.look([URL])
    assert away.value.public_code == "media_unavailable"
