"""A store with associates to be given numbers, and a Twilio made of lists.

Every call to Twilio is a boundary, like every AWS call and queue message: a process can be killed
before or after any one of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from tests.outreach_rig import (
    ACCOUNT,
    ANNA,
    BEN,
    GROUP,
    LOGINS,
    ROOT,
    Boundaries,
    Killed,
    Queue,
    Rig,
    http_event,
    phone,
    shop,
)

from instore.adapters.table import Table
from instore.carrier import Candidate, Owned
from instore.carrier_codes import effect_of
from instore.directory import Associate, Store
from instore.errors import TwilioRefusedError, VendorNotAuthorizedError, VendorUnavailableError
from instore.model import Phone, iso
from instore.runtime.services import Services
from instore.runtime.settings import Settings

SID = "AC" + "0a1b2c3d" * 4
POOLS = ("MG" + "11aa22bb" * 4, "MG" + "33cc44dd" * 4)
MAYA = "210"  # manages the store
ANNA_LOGIN, BEN_LOGIN, MAYA_LOGIN = LOGINS[ANNA], LOGINS[BEN], "maya@kay.example.com"
FIRST, SECOND = Phone("+19145550100"), Phone("+19145550101")  # what the market sells first
HEAD = "head.office@brand.example.com"
URL = "https://api.brand.example.com"


def refused(code: int, status: int = 400) -> TwilioRefusedError:
    return TwilioRefusedError(code=code, effect=effect_of(code), vendor_status=status)


class RelayQueue(Queue):
    """The outreach queue and the queue of runs, as lists."""

    def __init__(self, boundaries: Boundaries) -> None:
        super().__init__(boundaries)
        self.runs: list[tuple[str, int]] = []

    def relay_ready(self, run: str, *, delay_s: int = 0) -> None:
        self._boundaries.cross("sqs run", lambda: self.runs.append((run, delay_s)))


class Market:
    """Twilio's numbers: for sale by area code and region, owned, in services."""

    def __init__(self, boundaries: Boundaries) -> None:
        self._boundaries = boundaries
        self.account = SID  # the program's
        self.homes: dict[str, str] = {}  # number's sid -> account it is at
        self.closed: set[str] = set()  # accounts that let nobody in
        self.sale: dict[str, list[str]] = {"914": [f"+191455501{n:02d}" for n in range(40)]}
        self.near: list[str] = []
        self.by_postal: list[str] = []
        self.regions: dict[str, list[str]] = {}
        self.owns: dict[str, Owned] = {}
        self.members: dict[str, set[str]] = {}
        self.ever: list[str] = []  # every number that was ever bought
        self.released: list[str] = []
        self.full: set[str] = set()
        self.asked: list[str] = []
        self.before: Callable[[str], None] = lambda name: None
        # Next calls of this name: None works; an exception is raised instead, or (`taken`) after.
        self.failures: dict[str, list[tuple[Exception, bool]]] = {}
        self.hidden: set[str] = set()  # owned, and not listed yet
        self.mute: set[str] = set()  # sold as able to text, and it is not

    def _call(self, name: str, run: Callable[[], Any]) -> Any:
        self.asked.append(name)
        self.before(name)
        waiting = self.failures.get(name)
        if not waiting:
            return self._boundaries.cross(f"twilio.{name}", run)
        error, taken = waiting.pop(0)
        if taken:
            self._boundaries.cross(f"twilio.{name}", run)
        raise error

    def fail(self, name: str, error: Exception | None = None, *, taken: bool = False) -> None:
        self.failures.setdefault(name, []).append(
            (error or VendorUnavailableError("no answer"), taken)
        )

    def search(
        self, line: Any, *, country: str, area_code: str | None = None, region: str | None = None,
        near: Phone | None = None, postal_code: str | None = None, limit: int = 20,
    ) -> list[Candidate]:  # fmt: skip
        assert line.account_sid == self.account
        assert country == "US"

        def found() -> list[Candidate]:
            if area_code is not None:
                numbers = self.sale.get(area_code, [])
            elif region is not None:
                numbers = self.regions.get(region, [])
            else:
                numbers = self.near if near is not None else self.by_postal
            free = [n for n in numbers if n not in {o.number.e164 for o in self.owns.values()}]
            return [Candidate(Phone(n), "Yonkers", "NY", "10704") for n in free[:limit]]

        return self._call("search", found)  # type: ignore[no-any-return]  # a fake's one way out

    def buy(self, line: Any, *, number: Phone, tag: str, sms_url: str, voice_url: str) -> Owned:
        def bought() -> Owned:
            if any(one.number == number for one in self.owns.values()):
                raise refused(21422)
            self.ever.append(number.e164)
            sid = f"PN{len(self.ever):032x}"
            able = number.e164 not in self.mute
            self.owns[sid] = Owned(sid, number, tag, sms_url, voice_url, able)
            self.homes[sid] = self.account
            return self.owns[sid]

        assert len(tag) <= 64
        return self._call("buy", bought)  # type: ignore[no-any-return]  # a fake's one way out

    def owned(
        self, line: Any, *, tag: str | None = None, number: Phone | None = None
    ) -> list[Owned]:
        return self._call("owned", lambda: [  # type: ignore[no-any-return]  # a fake's one way out
            one for one in self.owns.values() if one.sid not in self.hidden and self._at(line, one.sid)
            and tag in (None, one.friendly_name) and number in (None, one.number)
        ])  # fmt: skip

    def configure(
        self, line: Any, *, sid: str, tag: str | None = None, sms_url: str | None = None,
        voice_url: str | None = None,
    ) -> Owned:  # fmt: skip
        def changed() -> Owned:
            one = self.owns[sid]
            self.owns[sid] = replace(one, friendly_name=tag or one.friendly_name,
                                     sms_url=sms_url or one.sms_url,
                                     voice_url=voice_url or one.voice_url)  # fmt: skip
            return self.owns[sid]

        return self._call("configure", changed)  # type: ignore[no-any-return]  # a fake's one way out

    def _at(self, line: Any, sid: str) -> bool:
        account = self.account if line is None else line.account_sid
        if account in self.closed:
            raise VendorNotAuthorizedError("401")
        return self.homes.get(sid, SID) == account

    def release(self, line: Any, *, sid: str) -> None:
        def gone() -> None:
            if self._at(line, sid) and self.owns.pop(sid, None) is not None:
                self.released.append(sid)
            for members in self.members.values():
                members.discard(sid)

        self._call("release", gone)

    def add_to_service(self, line: Any, *, service: str, sid: str) -> None:
        def added() -> None:
            if sid not in self.owns:
                raise refused(20404, 404)
            if service in self.full:
                raise refused(21714)
            self.members.setdefault(service, set()).add(sid)

        self._call("add", added)


def staff(extra: int = 0, phone: str = "+19145550199", state: str = "NY") -> Store:
    """The shop of the outreach rig with a manager, and as many more associates as wanted."""
    more = tuple(
        Associate(str(300 + n), f"pid-{300 + n}", f"a{n}@kay.example.com", f"A{n}")
        for n in range(extra)
    )
    maya = Associate(MAYA, f"pid-{MAYA}", MAYA_LOGIN, "Maya")
    base = shop()
    return replace(base, associates=(*base.associates, *more), managers=(maya,), phone=phone,
                   state=state)  # fmt: skip


class RelayRig(Rig):
    """A Rig whose program has a line, and whose processes have a Twilio."""

    def __init__(self, table: Table, clock: Any) -> None:
        super().__init__(table, clock, Settings(table_name="t", public_url=URL))
        self.queue: RelayQueue = RelayQueue(self.boundaries)
        self.twilio = Market(self.boundaries)
        self.remaining_s = 120.0
        self.write_store(staff())
        self.with_line()

    def with_line(self, *, strategy: str = "relay", account: str = SID, **pool: Any) -> None:
        def change(document: dict[str, Any]) -> None:
            document["line"] = {
                "account_sid": account, "secret": f"instore/twilio/{account.lower()}",
                "pool": {"messaging_services": list(POOLS), "senders_per_service": 400,
                         "most_numbers": 1000, "quarantine_days": 90, **pool},
            }  # fmt: skip
            for banner in document["banners"]:
                if banner["name"] == "kay":
                    banner["number"]["strategy"] = strategy

        self.apply(change)

    def services(self) -> Services:
        house = super().services()
        plain: Any = house
        plain.twilio = self.twilio
        return house

    # ------------------------------------------------------------ asking

    def ask_relay(
        self, route: str, body: Any = None, *, scopes: str = "relay:admin", login: str = HEAD,
        key: str | None = "r-1", path: dict[str, str] | None = None, raw: str | None = None,
    ) -> tuple[int, dict[str, Any]]:  # fmt: skip
        from relay_numbers import app

        event = http_event(route, body, key=key, login=login, scopes=scopes, path=path, raw=raw)
        with self.process():
            answer = app.handler(event, self.context())
        return answer["statusCode"], json.loads(answer["body"])

    def open(self, what: str, body: Any, *, key: str = "r-1") -> str:
        status, answer = self.ask_relay(f"POST /relay/{what}", body, key=key)
        assert status == 202, answer
        return str(answer["id"])

    def run(self, run: str) -> dict[str, Any]:
        """Hand one queue message to the function, in a fresh process."""
        from relay_bulk import app

        event: dict[str, Any] = json.loads((ROOT / "events/relay_bulk.sqs.json").read_text())
        event["Records"][0]["body"] = json.dumps({"run": run})
        with self.process():
            answer: dict[str, Any] = app.handler(event, self.context())
        return answer

    def run_all(self, *, most: int = 60) -> None:
        """Deliver what the queue of runs has, in time, until it is empty."""
        while self.queue.runs:
            most -= 1
            assert most > 0
            run, delay = self.queue.runs.pop(0)
            self.clock.advance(delay)
            assert self.run(run) == {"batchItemFailures": []}

    def look(self, run: str) -> dict[str, Any]:
        status, answer = self.ask_relay("GET /relay/runs/{id}", path={"id": run}, key=None)
        assert status == 200, answer
        return answer

    def did(self, what: str, body: Any, *, key: str = "r-1") -> dict[str, Any]:
        """Ask, let it be worked on, and tell how the run ended."""
        run = self.open(what, body, key=key)
        self.run_all()
        return self.look(run)

    def activated(self, *logins: str, key: str = "a-1", **more: Any) -> dict[str, Any]:
        return self.did("activate", {"logins": list(logins or (ANNA_LOGIN,)), **more}, key=key)

    def deactivated(self, *logins: str, key: str = "d-1", **more: Any) -> dict[str, Any]:
        return self.did("deactivate", {"logins": list(logins or (ANNA_LOGIN,)), **more}, key=key)

    def released(self, *logins: str, key: str = "r-1", **more: Any) -> dict[str, Any]:
        return self.did("release", {"logins": list(logins or (ANNA_LOGIN,)), **more}, key=key)

    def dies_waiting(self, login: str = ANNA_LOGIN, *, key: str = "a-1", taken: bool = True) -> str:
        """A purchase whose answer is lost (`taken`: it was made), and nobody looks any more."""
        self.twilio.fail("buy", taken=taken)
        run = self.open("activate", {"logins": [login]}, key=key)
        self.run(run)
        self.queue.runs.clear()
        return run

    def verdicts(self, ended: dict[str, Any]) -> list[tuple[str, str, str | None]]:
        return [(r["name"], r["outcome"], r.get("reason")) for r in ended["reports"]]

    def verdict(self, ended: dict[str, Any]) -> tuple[str, str | None]:
        """Of the only row."""
        ((_, outcome, why),) = self.verdicts(ended)
        return outcome, why

    # ------------------------------------------------------------ what is there

    def meets(
        self, n: int, *, agent: str = ANNA, number: Phone = FIRST, source: str = "test"
    ) -> str:  # fmt: skip
        """A customer who texted with this number, and whose associate at kay is this one."""
        binding = {"account": ACCOUNT, "group": GROUP, "agent": agent,
                   "at": iso(self.clock.now() - timedelta(days=1)), "source": source}  # fmt: skip
        name = self.customer(phone(n), bindings={"kay": binding})
        self.services().lines.met(number, customer=name)
        return name

    def bound_to(self, n: int) -> str:
        """Whose customer they are."""
        customers = self.services().customers
        found = customers.get(customers.id_of(Phone(phone(n))))
        assert found is not None
        return found.bindings["kay"].pointer.agent_id

    def reaches(self, number: Phone = FIRST) -> str:
        """Whom a text to it reaches."""
        line = self.services().lines.get(number)
        assert line is not None
        return line.answers_to.agent_id

    def lose(self, number: Phone = FIRST) -> None:
        """Twilio refuses to send from it."""
        self.services().texts.lose_number(number, code=21606, now=self.clock.now())

    def line_of(self, agent: str = ANNA) -> Any:
        return self.services().lines.activation(ACCOUNT, agent_id=agent)

    def pool(self, account: str = SID) -> dict[str, int]:
        item = self.table.get(f"LINE#pool:{account}", "POOL") or {}
        return {name: item.get(name, 0) for name in ("numbers", *POOLS)}

    def is_consistent(self) -> None:
        """What table and Twilio say of who has which number is one and the same."""
        held = {}
        for agent in [*LOGINS, MAYA, *[str(300 + n) for n in range(12)]]:
            found = self.line_of(agent)
            if found is not None and found.state not in ("released", "wanted"):
                held[agent] = found
        assert all(found.number is not None for found in held.values())
        sids = sorted(found.sid for found in held.values())
        assert sids == sorted(self.twilio.owns)
        assert len(set(sids)) == len(sids)
        for found in held.values():
            owned = self.twilio.owns[found.sid]
            assert (owned.number, owned.friendly_name) == (found.number, found.tag)
            assert (owned.sms_url, owned.voice_url) == (
                f"{URL}/twilio/sms#rc=3&rp=all", f"{URL}/twilio/voice/line")  # fmt: skip
            assert found.sid in self.twilio.members[found.service]
            assert not found.surplus
            line = self.services().lines.get(found.number)
            assert line == found.line()
        assert self.pool()["numbers"] == len(held)
        for service in POOLS:
            mine = [f for f in held.values() if f.service == service]
            assert self.pool()[service] == len(mine) == len(self.twilio.members.get(service, ()))


__all__ = ["ACCOUNT", "ANNA", "ANNA_LOGIN", "BEN", "BEN_LOGIN", "FIRST", "GROUP", "HEAD", "LOGINS",
           "MAYA", "MAYA_LOGIN", "POOLS", "SECOND", "SID", "URL", "Killed", "Market", "RelayRig",
           "SimpleNamespace", "refused", "staff"]  # fmt: skip
