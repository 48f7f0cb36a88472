"""Somebody calls a branch of the voice menu: Twilio's questions over the handler, and what is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from tests.line_rig import LINE, SID, LineRig, told_event
from tests.outreach_rig import GROUP, KEY, Boundaries, phone

from instore.adapters.calls import Calls
from instore.call import Call
from instore.directory import Store
from instore.measured import Kind, Measured
from instore.model import Phone, customer_id
from instore.runtime.services import Services

BRANCH: dict[str, Any] = {
    "name": "orders", "banner": "kay", "number": "+1(212) 555-0140", "skill": "kay-orders",
    "intent": "Where is my order", "store": GROUP, "onward": "https://menu.kay.example/hold?x=1&y=2",
}  # fmt: skip
NUMBER = "+12125550140"
PUSH = {"base_url": "https://push.kay.example", "timeout_s": 1.0}
CALLER = phone(33)  # none of our own


def sid_of(n: int) -> str:
    """Twilio's name of the n-th call."""
    return f"CA{n:032x}"


class FakePush:
    """The brand's push service: who is enrolled, and what was pushed under which key."""

    def __init__(self, boundaries: Boundaries) -> None:
        self._boundaries = boundaries
        self.enrolled: set[str] = set()
        self.away = False
        self.pushed: dict[str, str] = {}
        self.asked: list[float | None] = []

    def push(
        self, settings: Any, *, phone: Phone, text: str, key: str, most_s: float | None = None
    ) -> bool:
        return bool(self._boundaries.cross("push", lambda: self._push(phone, text, key, most_s)))

    def _push(self, number: Phone, text: str, key: str, most_s: float | None) -> bool:
        self.asked.append(most_s)
        if self.away or number.e164 not in self.enrolled:
            return False
        self.pushed[key] = text
        return True


@dataclass(frozen=True)
class Said:
    """TwiML as Twilio does it: sentences, what is gathered, where the call goes."""

    status: int
    says: tuple[str, ...]
    action: str | None = None
    redirect: str | None = None
    dial: str | None = None
    hangs_up: bool = False
    raw: str = ""


def done_by_twilio(answer: dict[str, Any]) -> Said:
    """Read an answer strictly: well-formed, one Response, verbs that Twilio knows."""
    if answer["statusCode"] != 200:
        return Said(answer["statusCode"], (), raw=answer.get("body") or "")
    assert answer["headers"]["content-type"].startswith("text/xml")
    root = ElementTree.fromstring(answer["body"].encode())
    assert root.tag == "Response"
    assert {verb.tag for verb in root} <= {"Say", "Gather", "Redirect", "Dial", "Hangup"}
    gather, redirect, dial = root.find("Gather"), root.find("Redirect"), root.find("Dial")
    return Said(
        200, tuple(say.text or "" for say in root.iter("Say")),
        gather.get("action") if gather is not None else None,
        redirect.text if redirect is not None else None, dial.text if dial is not None else None,
        root.find("Hangup") is not None, answer["body"],
    )  # fmt: skip


@dataclass
class CallRig(LineRig):
    """The shop with a line, a branch of the voice menu and, if wanted, a push service."""

    def __post_init__(self) -> None:
        self.push = FakePush(Boundaries())
        super().__post_init__()
        self.push = FakePush(self.boundaries)
        self.with_branch()

    def with_branch(
        self, change: Callable[[dict[str, Any]], None] | None = None, **branch: Any
    ) -> None:
        """Apply the program with this branch; `push=True` brings a push service."""

        def both(document: dict[str, Any]) -> None:
            line = {**LINE, "branches": [{**BRANCH, **branch}]}
            document["line"] = {**line, "push": PUSH} if branch.get("push") else line
            if change is not None:
                change(document)

        self.with_line(both)

    def services(self) -> Services:
        plain: Any = super().services()
        plain.hasty_twilio, plain.push = self.twilio, self.push
        return plain  # type: ignore[no-any-return]  # what the rig has

    def ask_us(
        self, step: str = "", *, branch: str = "orders", query: str = "", call: int = 1,
        number: str = CALLER, signature: str | None = None, **fields: str,
    ) -> Said:  # fmt: skip
        """One signed question of Twilio's about a call."""
        from ivr_deflection import app

        path = f"/twilio/voice/{branch}{step}"
        form = {
            "CallSid": sid_of(call), "AccountSid": SID, "From": number, "To": NUMBER,
            "Caller": number, "Called": NUMBER, "CallStatus": "ringing", "Direction": "inbound",
            "ApiVersion": "2010-04-01", "FromZip": "", "StirVerstat": "TN-Validation-Passed-A",
            **fields,
        }  # fmt: skip
        event = told_event(form, path=path, query=query, signature=signature)
        event["routeKey"] = f"POST /twilio/voice/{{branch}}{step}"
        event["pathParameters"] = {"branch": branch}
        if branch == "line":
            event["routeKey"] = "POST /twilio/voice/line"
        with self.process():
            return done_by_twilio(app.handler(event, self.context()))

    def press(self, digit: str = "1", *, turn: int = 1, **more: Any) -> Said:
        return self.ask_us("/choice", query=f"turn={turn}", Digits=digit,
                           CallStatus="in-progress", **more)  # fmt: skip

    def hang_up(self, **more: Any) -> Said:
        return self.ask_us("/ended", CallStatus="completed", CallDuration="23", **more)

    def call_in(self, *, digit: str = "1", **more: Any) -> Said:
        """A whole call: offered, pressed; what the caller hears last."""
        self.ask_us(**more)
        return self.press(digit, **more)

    # ------------------------------------------------------------ what is kept

    def call(self, n: int = 1) -> Call:
        found = Calls(self.table).get(sid_of(n))
        assert found is not None
        return found

    def measured(self, day: str = "2026-11-18") -> list[Measured]:
        from datetime import date

        return list(Calls(self.table).of_day("kay", day=date.fromisoformat(day)))

    def counts(self, day: str = "2026-11-18") -> dict[str, int]:
        kinds = [one.kind for one in self.measured(day)]
        return {kind.value: kinds.count(kind) for kind in Kind if kind in kinds}

    def ledger(self, number: str = CALLER) -> list[dict[str, Any]]:
        from instore.adapters.consents import Consents

        return Consents(self.table).entries(customer_id(Phone(number), key=KEY.encode()))

    def customer_item(self, number: str = CALLER) -> dict[str, Any]:
        name = customer_id(Phone(number), key=KEY.encode())
        return self.table.get(f"CUSTOMER#{name}", "CUSTOMER") or {}

    def hours(self, openings: Any) -> Store:
        """Give the branch's store these hours."""
        from dataclasses import replace

        from tests.outreach_rig import shop

        store = replace(shop(), openings=tuple(openings))
        self.write_store(store)
        return store
