"""TwilioSim: Twilio's REST API, its webhooks and all handsets as one object."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import httpx

from ..faults import Faults
from ..simulator import Clock, Simulator, StoryError
from . import inbound
from .handles import Numbers, Services
from .options import Options
from .records import Alert, HandsetText, Received, Refusal, Sent, spoilt
from .routes import Front
from .state import Account, Handset, Media, Message, Verdict
from .voice import Call
from .webhooks import empty_outbox
from .world import World

_ENDLESS = 100_000
ACCOUNT = "AC0de1f2a3b4c5d6e7f8091a2b3c4d5e6f"
TEST_ACCOUNT = "AC7e577e577e577e577e577e577e577e57"


class TwilioSim(Simulator[HandsetText]):
    """See the package's docstring for how a story uses it."""

    world: World

    def __init__(
        self, clock: Clock, *, options: Options | None = None, seed: int = 0,
        faults: Faults | None = None, account_sid: str = ACCOUNT,
    ) -> None:  # fmt: skip
        self.world = World(clock, options=options or Options(), seed=seed, faults=faults)
        self.account = self.add_account(account_sid)
        self.test_account = self.add_account(TEST_ACCOUNT, test=True)
        self.numbers = Numbers(self.world, self.account)
        self.services = Services(self.world, self.account)
        self.requests: list[Received] = []
        self.phone_calls: list[Call] = []
        super().__init__(Front(self.world, self.requests).handle, refusal=spoilt)

    # -- accounts
    def add_account(self, sid: str, *, test: bool = False) -> Account:
        """Another account (or set of test credentials), with a token and one API key."""
        token = f"{self.world.random.getrandbits(128):032x}"
        secret = f"{self.world.random.getrandbits(128):032x}"
        account = Account(sid, token, {self.world.sid("SK"): secret}, test=test)
        self.world.accounts[sid] = account
        return account

    @property
    def account_sid(self) -> str:
        return self.account.sid

    @property
    def auth_token(self) -> str:
        """Signs our webhooks; a story may change it on `sim.account`."""
        return self.account.auth_token

    def secret(self, *, api_key: bool = False) -> dict[str, str]:
        """What the bundle's secret for this account holds."""
        found = {"auth_token": self.account.auth_token}
        if api_key:
            sid, secret = next(iter(self.account.api_keys.items()))
            found |= {"api_key_sid": sid, "api_key_secret": secret}
        return found

    # -- customers
    def text(
        self, from_: str, to: str, body: str, media: Iterable[str | tuple[str, bytes]] = ()
    ) -> Message | None:
        """A customer texts a number. `media`: content types, or (content type, bytes).

        The webhook waits for `run()`. None: the number is nobody's, the text is lost.
        """
        with self.world.lock:
            pictures = [(one, b"picture") if isinstance(one, str) else one for one in media]
            kept = tuple(Media(self.world.sid("ME"), kind, data) for kind, data in pictures)
            return inbound.receive(self.world, from_, to, body, kept)

    def call(self, from_: str, to: str) -> Call:
        """A customer calls a number: our voice webhook is asked at once, its TwiML carried out."""
        number = self.world.owned(to)
        if number is None:
            raise StoryError(f"{to} is nobody's number")
        call = Call(self.world, number, from_)
        self.phone_calls.append(call)
        return call.begin()

    def phone(self, number: str, **is_: bool | str) -> Handset:
        """A customer's handset; `landline`, `unknown`, `off`, `receipts`, `city` … may be set."""
        with self.world.lock:
            found = self.world.phone(number)
            for name, value in is_.items():
                if not hasattr(found, name):
                    raise StoryError(f"a handset has no {name!r}")
                setattr(found, name, value)
            return found

    # -- carriers
    def carrier_says(
        self, code: int, *, to: str = "", sender: str = "", times: int | None = 1,
        reached: bool = False, share: float = 1.0,
    ) -> None:  # fmt: skip
        """The next texts (to, from) end with this error code; `reached`: and arrive all the same.

        `share` is the seeded chance for each text, `times` None means until told otherwise.
        """
        with self.world.lock:
            self.world.verdicts.append(Verdict(code, to, sender, times, reached, share))

    def carrier_recovers(self) -> None:
        """From now on every text is delivered."""
        with self.world.lock:
            self.world.verdicts.clear()

    # -- time
    def tick(self) -> bool:
        """Do one due piece of work: a text leaves its queue, arrives, expires."""
        return self.world.do_next()

    def move(self) -> int:
        """Do all that is due by the clock; webhooks stay in the outbox."""
        for done in range(_ENDLESS):
            if not self.tick():
                return done
        raise StoryError("the simulator never comes to rest")

    def deliver_callbacks(self, *, copies: int = 1, shuffle: bool = False) -> int:
        """Do what is due, then send all webhooks, `copies` times each, `shuffle` in disorder.

        Inbound texts and call statuses are webhooks, too. Goes on until all is quiet; returns how
        much was done. Time does not move: advance the clock for queues and late callbacks.
        """
        total = 0
        for _ in range(_ENDLESS):
            done = self.move()
            if self.world.outbox:
                done += empty_outbox(self.world, copies=copies, shuffle=shuffle)
            if not done:
                return total
            total += done
        raise StoryError("the simulator never comes to rest")

    def run(self) -> int:
        """`deliver_callbacks()` once each and in order."""
        return self.deliver_callbacks()

    def callbacks_late(self, seconds: float) -> None:
        """From now on status callbacks leave this long after what they tell; 0 = at once."""
        self.world.late_s = seconds

    def next_due_at(self) -> datetime | None:
        """When something will next happen by itself; None when nothing waits."""
        return self.world.next_due_at()

    def leads(self, public: str, *, to: str) -> None:
        """A public base URL leads to a local one; webhooks are signed for the public one."""
        self.world.leads[public] = to

    def go_through(self, transport: httpx.BaseTransport) -> None:
        """Send webhooks through this instead of over loopback."""
        self.world.go_through(transport)

    # -- what really happened
    @property
    def messages(self) -> list[Message]:
        """Every text that Twilio took in, either way, oldest first; also deleted ones."""
        return sorted(self.world.messages.values(), key=lambda m: m.order)

    @property
    def refusals(self) -> list[Refusal]:
        """Requests of ours that were wrong."""
        return list(self.world.refusals)

    @property
    def alerts(self) -> list[Alert]:
        """The debugger: webhooks that failed, TwiML that cannot be carried out."""
        return list(self.world.alerts)

    @property
    def sent(self) -> list[Sent]:
        """Webhooks sent, with our answers."""
        return list(self.world.sent)
