"""The brand's back end: which associate a member or a keyword belongs to.

Contract: docs/backend-api.md. GET /members/{member}/associate and GET /keywords/{keyword}/associate
with a bearer token; 200 with one way to name the associate, 404 when there is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .faults import Faults
from .serving import Answer, Request, Site, answer, serve


@dataclass(slots=True)
class Brand:
    """The brand's two look-ups over HTTP. `calls` holds (path, status), newest last.

    An associate is a mapping with at least one of alias, agent_id, login, employee_id, phone.
    """

    token: str = "brand-back-end-token"
    faults: Faults = field(default_factory=Faults)
    members: dict[str, dict[str, str]] = field(default_factory=dict)
    keywords: dict[str, dict[str, str]] = field(default_factory=dict)
    calls: list[tuple[str, int]] = field(default_factory=list)
    site: Site | None = None

    @property
    def url(self) -> str:
        if self.site is None:
            raise RuntimeError("serve() first")
        return self.site.url

    def serve(self) -> Brand:
        self.site = serve(self._handle, faults=self.faults)
        return self

    def close(self) -> None:
        if self.site is not None:
            self.site.close()
            self.site = None

    def secret(self) -> dict[str, str]:
        """What the bundle's secret for this back end holds."""
        return {"token": self.token}

    def add_member(self, member: str, **associate: str) -> None:
        """`add_member("M-1001", login="dana@brand.example")`."""
        self.members[member] = associate

    def add_keyword(self, keyword: str, **associate: str) -> None:
        """Keywords are compared in upper case."""
        self.keywords[keyword.upper()] = associate

    def _handle(self, request: Request) -> Answer:
        reply = self._look_up(request)
        self.calls.append((request.path, reply.status))
        return reply

    def _look_up(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return answer(401, {"code": "unauthorized", "message": "The token is wrong."})
        match = re.fullmatch(r"/(members|keywords)/([^/]+)/associate", request.path)
        if match is None:
            return answer(404, {"code": "not_found", "message": "There is no such route."})
        if request.method != "GET":
            return answer(405, {"code": "method_not_allowed", "message": "Only GET."})
        kind, name = match.groups()
        found = self.members.get(name) if kind == "members" else self.keywords.get(name.upper())
        if found is None:
            return answer(404, {"code": "not_found", "message": "Nobody is assigned."})
        return answer(200, found)
