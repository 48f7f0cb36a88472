"""Twilio's simulator with one number of ours, a stand-in for our side, and a caller of the API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

import httpx
from local.serving import Answer, Request, serve
from local.twilio import Options, TwilioSim

OURS, OTHER = "+12125550100", "+12125550101"
ANA, BEN = "+12135550123", "+12135550124"
SERVICE = "MG" + "5e" * 16


class OurSide:
    """Our webhooks: answers what it is told to, keeps what it got."""

    def __init__(self) -> None:
        self.got: list[Request] = []
        self.answers: dict[str, list[Answer]] = {}
        self.site = serve(self._handle)
        self.url = self.site.url

    def says(self, path: str, *documents: str, status: int = 200) -> None:
        """The next requests to this path get these TwiML documents; the last one stays."""
        self.answers[path] = [Answer(status, f"<Response>{one}</Response>".encode(),
                                     {"content-type": "text/xml"}) for one in documents]  # fmt: skip

    def forms(self, path: str) -> list[dict[str, str]]:
        return [dict(parse_qsl(one.body.decode(), keep_blank_values=True))
                for one in self.got if one.path == path]  # fmt: skip

    def _handle(self, request: Request) -> Answer:
        self.got.append(request)
        waiting = self.answers.get(request.path, [])
        if not waiting:
            return Answer(200, b"<Response/>", {"content-type": "text/xml"})
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


class Caller:
    """Calls the REST API; every detail can be spoilt."""

    def __init__(self, sim: TwilioSim) -> None:
        self.sim = sim
        self.base = f"/2010-04-01/Accounts/{sim.account_sid}"
        self.http = httpx.Client(
            base_url=sim.url, trust_env=False, verify=False,
            auth=(sim.account_sid, sim.auth_token),
        )  # fmt: skip

    def send(self, to: str = ANA, body: str = "Your ring is ready.", **more: Any) -> httpx.Response:
        """POST Messages from our number; a value of None leaves the field out."""
        fields = {"To": to, "From": OURS, "Body": body, **more}
        fields = {name: value for name, value in fields.items() if value is not None}
        return self.http.post(f"{self.base}/Messages.json", data=fields)

    def post(self, path: str, **fields: Any) -> httpx.Response:
        return self.http.post(self._full(path), data=fields)

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(self._full(path), params=query or None)

    def delete(self, path: str) -> httpx.Response:
        return self.http.delete(self._full(path))

    def _full(self, path: str) -> str:
        return path if path.startswith(("/v1", "/2010")) else self.base + path


class Rig:
    """`sim`, `api` (its caller), `side` (ours), and the clock."""

    def __init__(self, clock: Any, options: Options) -> None:
        self.clock = clock
        self.side = OurSide()
        self.sim = TwilioSim(clock, options=options, seed=7).serve()
        self.sim.numbers.add(OURS, sms_url=f"{self.side.url}/sms",
                             voice_url=f"{self.side.url}/voice",
                             status_callback=f"{self.side.url}/ended")  # fmt: skip
        self.api = Caller(self.sim)
        self.callback = f"{self.side.url}/status?text=t1"

    def pass_time(self, seconds: float) -> int:
        self.clock.advance(seconds)
        return self.sim.run()

    def close(self) -> None:
        self.api.http.close()
        self.sim.close()
        self.side.site.close()


@contextmanager
def twilio(clock: Any, **options: Any) -> Iterator[Rig]:
    """A rig that ends without a crash of the simulator."""
    rig = Rig(clock, Options(**options))
    try:
        yield rig
    finally:
        rig.close()
    assert rig.sim.crashes == []
    assert rig.side.site.crashes == []


def code_of(reply: httpx.Response) -> tuple[int, int]:
    """(HTTP status, Twilio's code) of a refusal; its body has the documented shape."""
    body = reply.json()
    assert set(body) == {"code", "message", "more_info", "status"}
    assert body["status"] == reply.status_code
    return reply.status_code, body["code"]
