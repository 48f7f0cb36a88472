"""A whole little world from a program document: stack, platform, brand, issuer, people, rosters.

The demo, the stories, `make invoke` and the rehearsal all stand on it. Accounts, banners, skills,
bots, numbers and templates come from the program itself; a scene adds only people and stores.

    with Scene("in_store.yaml", now=...) as scene:
        scene.add_store("10000002", "Store 1204", banner="kay", zone="America/Los_Angeles")
        scene.add_associate("10000002", "Store 1204", "dana@kay.example.com", nickname="Dana")
        scene.open()                 # secrets, program, roster, bots; the agent map is rebuilt
        scene.settle()               # deliver until nothing moves
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml

from instore.adapters.programs import Programs
from instore.adapters.table import Table
from instore.program import Banner, Program, load_program

from .brand import Brand
from .issuer import Issuer
from .liveperson import LivePersonSim, Options
from .samples import PROGRAMS
from .scene_line import open_line
from .stack import LocalStack
from .twilio import TwilioSim

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
STORE_COLUMNS = ("group", "name", "banner", "zone", "state", "postal_code", "phone", *WEEKDAYS)


class SceneClock:
    """Time of a scene: stands still unless moved; sleeping moves it."""

    def __init__(self, instant: datetime) -> None:
        self._instant = instant

    def now(self) -> datetime:
        return self._instant

    def advance(self, seconds: float = 0, *, to: datetime | None = None) -> None:
        """Move on by seconds, or to an instant that is not yet past."""
        target = to if to is not None else self._instant + timedelta(seconds=seconds)
        self._instant = max(self._instant, target)

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)


@dataclass(slots=True)
class _Roster:
    stores: list[dict[str, str]] = field(default_factory=list)
    associates: list[dict[str, str]] = field(default_factory=list)


class Scene:
    """See the module's docstring. `sim` (LivePerson), `twilio`, `brand`, `issuer`, `stack` and
    `clock` are its parts."""

    def __init__(
        self, program: str | Path, *, now: datetime, options: Options | None = None, seed: int = 7,
        enforce: bool = True, clock: Any = None, make_services: Any = None,
        parameters: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._parameters = dict(parameters or {})  # of the template, beside the scene's own
        self.clock = clock or SceneClock(now)
        self.sim = LivePersonSim(self.clock, options=options, seed=seed)
        self.brand = Brand()
        self.issuer = Issuer(self.clock)
        self.twilio = TwilioSim(self.clock, seed=seed)
        self._enforce, self._make_services = enforce, make_services
        self._open = ExitStack()
        self.rosters: dict[str, _Roster] = {}
        self.stack: LocalStack
        self._load(program)

    def __enter__(self) -> Scene:
        with ExitStack() as opening:
            opening.enter_context(self.sim)
            opening.enter_context(self.twilio)
            self.brand.serve()
            opening.callback(self.brand.close)
            self.issuer.serve()
            opening.callback(self.issuer.close)
            parameters = {
                "JwtIssuer": self.issuer.url, "JwtAudience": self.issuer.audience,
                "LivePersonDomainApi": self.sim.url, "LivePersonGateway": self.sim.url,
                "TwilioApi": self.twilio.url,
                **self._parameters,
            }  # fmt: skip
            self.stack = opening.enter_context(
                LocalStack(
                    self.clock,
                    parameters=parameters,
                    enforce=self._enforce,
                    make_services=self._make_services,
                )
            )
            self.http = opening.enter_context(httpx.Client(base_url=self.stack.url, timeout=30))
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    # ------------------------------------------------------------ the program
    def _load(self, program: str | Path) -> None:
        path = program if isinstance(program, Path) else PROGRAMS / program
        self.document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        self.program: Program = load_program(self.document)
        self._furnish()

    def change_to(self, program: str | Path) -> None:
        """Another brand's program on the same stack; people and stores are added anew."""
        self._load(program)

    def _furnish(self) -> None:
        """Accounts, skills, numbers, templates and roll-overs of the program on the platform."""
        owner = self.program.owner.id
        for account in self.program.accounts:
            self.sim.add_account(account.id, account.role, account.zone)
        for banner in self.program.banners:
            for account_id, names in (
                (owner, {banner.campaign_skill, banner.virtual_skill}),
                (banner.account, {banner.bot_skill, banner.human_skill, banner.virtual_skill,
                                  banner.last_skill}),
            ):  # fmt: skip
                for name in sorted(filter(None, names)):
                    if self.sim.world.accounts[account_id].skill_named(name) is None:
                        self.sim.add_skill(account_id, name, transfer_wait_s=100 * 86400)
            self.sim.map_number(banner.number.outbound, owner, banner.campaign_skill)
            self.sim.roll_over((owner, banner.campaign_skill), (banner.account, banner.bot_skill))
            if banner.virtual_skill and banner.account != owner:
                self.sim.roll_over((banner.account, banner.virtual_skill),
                                   (owner, banner.virtual_skill))  # fmt: skip
            for template in banner.outreach.templates:
                self.sim.add_template(owner, template.id, template.text, template.variables)
        for branch in self.program.line.branches if self.program.line else ():
            account_id = self.banner(branch.banner).account
            if self.sim.world.accounts[account_id].skill_named(branch.skill) is None:
                self.sim.add_skill(account_id, branch.skill, transfer_wait_s=86400)

    # ------------------------------------------------------------ people and stores
    def add_store(
        self, account: str, group: str, *, banner: str, zone: str, state: str = "",
        postal_code: str = "", hours: str = "10:00-21:00", name: str = "", phone: str = "",
    ) -> None:  # fmt: skip
        self.sim.add_group(account, group)
        row = {"group": group, "name": name or group, "banner": banner, "zone": zone,
               "state": state, "postal_code": postal_code, "phone": phone,
               **dict.fromkeys(WEEKDAYS, hours)}  # fmt: skip
        self.rosters.setdefault(account, _Roster()).stores.append(row)

    def add_associate(
        self, account: str, group: str, login: str, *, nickname: str, employee_id: str = "",
        aliases: tuple[str, ...] = (), manager: bool = False, max_slots: int = 10,
    ) -> None:  # fmt: skip
        banner = next(b for b in self.program.banners if b.name == self._banner_of(account, group))
        self.sim.add_user(
            account, login, nickname=nickname, group=None if manager else group,
            manager_of=(group,) if manager else (), skills=(banner.human_skill,),
            max_slots=max_slots,
        )  # fmt: skip
        self.rosters[account].associates.append(
            {"login": login, "employee_id": employee_id, "aliases": "|".join(aliases)}
        )

    def group_id(self, account: str, name: str) -> str:
        """The platform's id of a store's agent group."""
        groups = self.sim.world.accounts[account].groups.values()
        return next(group.id for group in groups if group.name == name)

    def _banner_of(self, account: str, group: str) -> str:
        return next(r["banner"] for r in self.rosters[account].stores if r["group"] == group)

    # ------------------------------------------------------------ opening
    def open(self) -> None:
        """Bots, webhooks, secrets, program, rosters; then the map is rebuilt."""
        for account in self.program.accounts:
            self.sim.install_webhook(
                account.id, webhook_app(account.id), f"webhook secret of {account.id}",
                f"{self.stack.url}/liveperson/events",
            )  # fmt: skip
        for banner in self.program.banners:
            account_of = self.program.account(banner.account)
            assert account_of is not None
            for bot in banner.bots:
                self.sim.install_bot(
                    banner.account, bot, banner.bot_skill, self.stack.url,
                    account_of.bot_client_id, "production", escalate_to=banner.last_skill,
                )  # fmt: skip
        for account in self.program.accounts:
            secret = {**self.sim.secrets_for(account.id),
                      "webhook_client_id": webhook_app(account.id)}  # fmt: skip
            self.stack.put_secret(account.secret, secret)
        self.apply_program()
        open_line(self.program, stack=self.stack, twilio=self.twilio,
                  public_url=self._parameters.get("PublicUrl", self.stack.url))  # fmt: skip
        for account_id in {b.account for b in self.program.banners}:
            self.put_roster(account_id)
        self.rebuild_map()

    def apply_program(self) -> int:
        """Store the document as the next version and let the functions' minute pass."""
        backend = self.document["routing"].get("backend")
        if backend is not None:
            backend["base_url"] = self.brand.url
            self.stack.put_secret(backend["secret"], self.brand.secret())
        line = self.document.get("line") or {}
        if "media_hosts" in line:  # the brand's simulator has them here
            line["media_hosts"] = sorted({*line["media_hosts"], "127.0.0.1"})
        push = line.get("push")
        if push is not None:
            push["base_url"] = self.brand.url
            self.stack.put_secret(push["secret"], self.brand.secret())
        table = Table(self.stack.client("dynamodb"), self.stack.table_name)
        programs = Programs(table, now=self.clock.now)
        history = programs.history()
        seen = int(history[-1]["version"]) if history else 0
        document = json.loads(json.dumps(self.document, default=str))
        version = programs.apply(document, seen=seen, who="scene")
        self.program = load_program(document)
        self.clock.advance(61)
        return version

    def put_roster(self, account: str) -> None:
        roster = self.rosters.get(account, _Roster())
        stores = _csv(roster.stores, STORE_COLUMNS)
        associates = _csv(roster.associates, ("login", "employee_id", "aliases"))
        self.stack.put_roster(account, stores_csv=stores, associates_csv=associates)

    def rebuild_map(self, **event: Any) -> Any:
        """Run agent_mapping now and let the functions' minute pass."""
        answer = self.stack.call("AgentMapping", event)
        self.clock.advance(61)
        return answer

    # ------------------------------------------------------------ moving
    def settle(self, *, patience_s: float = 0, rounds: int = 50) -> None:
        """Deliver everything, both ways, until nothing moves."""
        for _ in range(rounds):
            if not (self.sim.run() + self.twilio.run() + self.stack.pump(patience_s=patience_s)):
                return
        raise RuntimeError("the scene never comes to rest")

    def wait(self) -> None:
        """Settle, and move the clock on while texts wait: a number sends a segment a second."""
        self.settle()
        while (due := self.twilio.next_due_at()) is not None:
            self.clock.advance(to=due)
            self.settle()

    def sweep(self) -> Any:
        """One minute's sweep."""
        return self.stack.call("Sweep", {})

    def api(
        self, method: str, path: str, *, login: str, body: Any = None, key: str | None = None,
        **token: Any,
    ) -> httpx.Response:  # fmt: skip
        """The clienteling app of the associate with this login calls the outreach API."""
        headers = {"authorization": f"Bearer {self.issuer.mint(login, **token)}"}
        if key is not None:
            headers["idempotency-key"] = key
        return self.http.request(method, path, json=body, headers=headers)

    def banner(self, name: str) -> Banner:
        found = self.program.banner(name)
        assert found is not None
        return found

    def receipt(self, account: str, conversation: str) -> str | None:
        """Why a conversation was routed as it was, as it is stored."""
        return self.conversation(account, conversation).get("receipt")

    def conversation(self, account: str, conversation: str) -> dict[str, Any]:
        """Our own item of a conversation."""
        table = Table(self.stack.client("dynamodb"), self.stack.table_name)
        return table.get(f"CONVERSATION#{account}#{conversation}", "CONVERSATION") or {}


def webhook_app(account: str) -> str:
    """Client id of the app that sends an account's webhooks."""
    return f"5a1c0de0-0000-4000-8000-{int(account):012d}"


_NOBODY = "login,employee_id,aliases\n"


def roster_files(scene: Scene) -> dict[str, tuple[str, str]]:
    """Account -> (stores.csv, associates.csv) of a scene's people."""
    return {
        account: (_csv(roster.stores, STORE_COLUMNS),
                  _csv(roster.associates, ("login", "employee_id", "aliases")))
        for account, roster in scene.rosters.items()
    }  # fmt: skip


def _csv(rows: list[dict[str, str]], columns: tuple[str, ...]) -> str:
    lines = [",".join(columns)]
    lines += [",".join(row.get(column, "") for column in columns) for row in rows]
    return "\n".join(lines) + "\n"
