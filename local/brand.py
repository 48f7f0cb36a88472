"""The brand's back end: which associate a member or a keyword belongs to; its push service, mail, pictures.

Contracts: docs/backend-api.md, GET /members/{member}/associate and GET /keywords/{keyword}/associate;
docs/push-api.md, POST /enrollments/search and POST /pushes; docs/mail-api.md, POST /messages. All with
a bearer token. GET and HEAD /media/{name} is what associates may attach: for everybody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .faults import Faults
from .serving import Answer, Request, Site, answer, serve


@dataclass(frozen=True, slots=True)
class PushedNote:
    """One push as the handset shows it."""

    phone: str
    text: str


@dataclass(slots=True)
class Brand:
    """The brand's two look-ups and its pushes over HTTP. `calls` holds (path, status), newest last.

    An associate is a mapping with at least one of alias, agent_id, login, employee_id, phone.
    `app_users` maps a number to whether the app is in use; `pushes` has each push by its key, once,
    `letters` each letter.
    """

    token: str = "brand-back-end-token"
    faults: Faults = field(default_factory=Faults)
    members: dict[str, dict[str, str]] = field(default_factory=dict)
    keywords: dict[str, dict[str, str]] = field(default_factory=dict)
    app_users: dict[str, bool] = field(default_factory=dict)
    pushes: dict[str, PushedNote] = field(default_factory=dict)
    letters: dict[str, dict[str, Any]] = field(default_factory=dict)
    media: dict[str, tuple[str, bytes]] = field(default_factory=dict)
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

    def add_picture(self, name: str, *, size: int, kind: str = "image/jpeg") -> str:
        """A file for texts; gives its address."""
        self.media[name] = (kind, bytes(size))
        return f"{self.url}/media/{name}"

    def add_app_user(self, phone: str, *, active: bool = True) -> None:
        """Somebody who has the app on this number (E.164)."""
        self.app_users[phone] = active

    def _handle(self, request: Request) -> Answer:
        reply = self._look_up(request)
        self.calls.append((request.path, reply.status))
        return reply

    def _look_up(self, request: Request) -> Answer:
        if request.path.startswith("/media/"):
            return self._picture(request)
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return answer(401, {"code": "unauthorized", "message": "The token is wrong."})
        if request.path in ("/enrollments/search", "/pushes"):
            return self._push_service(request)
        if request.path == "/messages":
            return self._mail(request)
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

    def _picture(self, request: Request) -> Answer:
        found = self.media.get(request.path.removeprefix("/media/"))
        if found is None or request.method not in ("GET", "HEAD"):
            return answer(404, {"code": "not_found", "message": "There is no such file."})
        kind, body = found
        return Answer(200, body, {"content-type": kind})

    def _push_service(self, request: Request) -> Answer:
        if request.method != "POST":
            return answer(405, {"code": "method_not_allowed", "message": "Only POST."})
        try:
            told = request.json()
        except ValueError:
            return answer(400, {"code": "malformed_json", "message": "The body is not JSON."})
        if request.path == "/enrollments/search":
            phone = told.get("phone", "")
            if phone not in self.app_users:
                return answer(404, {"code": "not_found", "message": "Nobody is enrolled."})
            return answer(200, {"token": f"device {phone}", "active": self.app_users[phone]})
        key = request.headers.get("idempotency-key", "")
        phone = str(told.get("token", "")).removeprefix("device ")
        if not key or phone not in self.app_users or not told.get("text"):
            return answer(
                400, {"code": "wrong_field", "message": "Key, token and text are needed."}
            )
        self.pushes.setdefault(key, PushedNote(phone, told["text"]))
        return answer(202, {"id": key})

    def _mail(self, request: Request) -> Answer:
        """Takes a letter; the same key again is the same letter."""
        key = request.headers.get("idempotency-key", "")
        try:
            letter = request.json()
        except ValueError:
            return answer(400, {"code": "malformed_json", "message": "The body is not JSON."})
        wanted = {"to", "name", "banner", "from", "request", "text", "links", "media"}
        if request.method != "POST" or not key or set(letter) != wanted or not letter["to"]:
            return answer(400, {"code": "wrong_field", "message": "Key and all fields are needed."})
        if self.letters.setdefault(key, letter) != letter:
            return answer(409, {"code": "conflict", "message": "Another letter had this key."})
        return answer(202, {"id": key})
