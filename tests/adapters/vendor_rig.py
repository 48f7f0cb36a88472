"""A LivePerson made of prepared answers: the domain API and Sentinel work, the rest is scripted."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import httpx

from instore.adapters.liveperson import LivePerson
from instore.adapters.secrets import Secrets
from instore.program import Account

DOMAIN_API = "https://api.lp.test"
KEYS = {
    "client_id": "client-1", "client_secret": "client secret&1",
    "consumer_key": "ck-1", "consumer_secret": "cs-1",
    "access_token": "at-1", "access_token_secret": "ats-1",
    "maven_api_key": "maven-1",
}  # fmt: skip
ACCOUNT = Account.model_validate({
    "id": "20000001", "role": "owner", "secret": "rig/lp", "bot_client_id": "b",
})  # fmt: skip
Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Cut(httpx.SyncByteStream):
    """A body whose connection is reset in the middle, or that comes so slowly that time runs."""

    def __init__(self, *pieces: bytes, error: Exception | None = None,
                 between: Callable[[], None] = lambda: None) -> None:  # fmt: skip
        self._pieces, self._error, self._between = pieces, error, between

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            yield piece
            self._between()
        if self._error is not None:
            raise self._error


class FakeSecretsManager:
    """Secret values that can be changed, and a count of how often they were read."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        self.reads = 0

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803 - AWS's name
        self.reads += 1
        return {"SecretString": json.dumps(self.values[SecretId])}


def jwt_ending(instant: datetime, *, name: str = "t") -> str:
    claims = json.dumps({"exp": int(instant.timestamp()), "name": name}).encode()
    return f"e30.{base64.urlsafe_b64encode(claims).rstrip(b'=').decode()}.sig"


class Rig:
    """`script` answers calls to services in turn (the last one for ever); `domain` and `tokens`
    answer the domain API and Sentinel, None = as LivePerson does when all is well."""

    def __init__(self, clock: Any, *script: Answer, gateway: str = "") -> None:
        self.clock = clock
        self.script = list(script)
        self.domain: list[Answer] = []
        self.tokens: list[Answer] = []
        self.seen: list[httpx.Request] = []  # calls to services
        self.domain_seen: list[httpx.Request] = []
        self.tokens_seen: list[httpx.Request] = []
        self.ticks = 0.0
        self.slept: list[float] = []
        self.manager = FakeSecretsManager({"rig/lp": dict(KEYS)})
        self.secrets = Secrets(self.manager, prefix="rig/", now=clock.now)  # type: ignore[arg-type]  # stands in for the real one
        self.liveperson = LivePerson(
            secrets=self.secrets, domain_api=DOMAIN_API, gateway=gateway, now=clock.now,
            sleep=self.slept.append, transport=httpx.MockTransport(self._answer),
            monotonic=lambda: self.ticks,
        )  # fmt: skip

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "api.lp.test":
            self.domain_seen.append(request)
            service = request.url.path.split("/")[5]
            good = httpx.Response(200, json={"service": service, "account": ACCOUNT.id,
                                             "baseURI": f"{service.lower()}.lp.test"})  # fmt: skip
            return _next(self.domain, request, good)
        if request.url.path.endswith("/app/token"):
            self.tokens_seen.append(request)
            token = f"token-{len(self.tokens_seen)}"
            good = httpx.Response(200, json={"access_token": token, "token_type": "Bearer",
                                             "expires_in": "3600"})  # fmt: skip
            return _next(self.tokens, request, good)
        self.seen.append(request)
        return _next(self.script, request, None)


def _next(answers: list[Answer], request: httpx.Request, good: httpx.Response | None) -> Any:
    if not answers:
        assert good is not None, f"nobody expects {request.method} {request.url}"
        return good
    answer = answers[0]
    if len(answers) > 1 or good is not None:
        answers.pop(0)
    if isinstance(answer, Exception):
        raise answer
    if callable(answer):
        return answer(request)
    # A Response object can be read once; scripts may repeat their last one.
    if isinstance(answer.stream, Cut):
        return httpx.Response(answer.status_code, headers=answer.headers, stream=answer.stream)
    return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def good(value: Any, *, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=value, headers={k.replace("_", "-"): v
                                                       for k, v in headers.items()})  # fmt: skip


def told(request: httpx.Request) -> tuple[str, str, dict[str, str]]:
    """Method, address without the query, query."""
    return request.method, str(request.url.copy_with(query=None)), dict(request.url.params)
