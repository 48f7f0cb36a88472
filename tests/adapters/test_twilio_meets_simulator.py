"""The client against the simulator over HTTP: two readings of the same documents, written apart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from local.twilio.sim import TwilioSim
from tests.adapters.vendor_rig import FakeSecretsManager

from instore.adapters.secrets import Secrets
from instore.adapters.twilio import Twilio
from instore.carrier import body_digest
from instore.carrier_codes import Effect
from instore.errors import TwilioRefusedError, VendorNotAuthorizedError, VendorUnavailableError
from instore.model import Phone
from instore.program_line import Line

pytestmark = pytest.mark.enable_socket
ANA, BEN = Phone("+16465550171"), Phone("+16465550172")
HOOKS = {"sms_url": "https://shop.test/twilio/sms", "voice_url": "https://shop.test/twilio/voice"}


class Shop:
    """A client, a line and the simulated Twilio."""

    def __init__(self, clock: Any) -> None:
        self.sim = TwilioSim(clock, seed=7).serve()
        sid = self.sim.account_sid
        self.line = Line.model_validate({"account_sid": sid, "secret": f"rig/twilio/{sid.lower()}"})
        self.keys = FakeSecretsManager({self.line.secret: dict(self.sim.secret())})
        self.twilio = Twilio(
            secrets=Secrets(self.keys, prefix="rig/", now=clock.now),  # type: ignore[arg-type]  # stands in for the real one
            api=self.sim.url, now=clock.now, sleep=lambda _: None,
        )  # fmt: skip

    def buy(self, tag: str = "tag-1") -> Any:
        (found,) = self.twilio.search(self.line, country="US", area_code="212", limit=1)
        return self.twilio.buy(self.line, number=found.number, tag=tag, **HOOKS)

    def send(
        self, sender: Phone, to: Phone = ANA, body: str = "Your ring is ready. 💍", **more: Any
    ) -> Any:
        return self.twilio.send(self.line, sender=sender, to=to, body=body, validity_s=600,
                                callback="https://shop.test/twilio/status?text=t-1", **more)  # fmt: skip


@pytest.fixture
def shop(clock: Any) -> Iterator[Shop]:
    shop = Shop(clock)
    yield shop
    shop.twilio.close()
    shop.sim.close()


def test_the_life_of_a_number(shop: Shop) -> None:
    owned = shop.buy()
    assert (owned.friendly_name, owned.sms_url, owned.voice_url) == ("tag-1", *HOOKS.values())
    assert owned.number.area_code == "212"
    assert shop.twilio.owned(shop.line, tag="tag-1") == [owned]
    assert shop.twilio.owned(shop.line, tag="tag") == []
    assert shop.twilio.owned(shop.line, number=owned.number) == [owned]
    renamed = shop.twilio.configure(shop.line, sid=owned.sid, tag="left", sms_url="https://b.test/")
    assert (renamed.friendly_name, renamed.sms_url, renamed.voice_url) == (
        "left", "https://b.test/", HOOKS["voice_url"],
    )  # fmt: skip
    with pytest.raises(TwilioRefusedError) as caught:
        shop.twilio.buy(shop.line, number=owned.number, tag="tag-2", **HOOKS)
    assert caught.value.effect is Effect.NOT_FOR_SALE
    shop.twilio.release(shop.line, sid=owned.sid)
    shop.twilio.release(shop.line, sid=owned.sid)
    assert shop.twilio.owned(shop.line) == []
    with pytest.raises(TwilioRefusedError) as caught:
        shop.send(owned.number)
    assert caught.value.effect is Effect.SENDER_LOST


def test_the_life_of_a_text(shop: Shop, now: datetime) -> None:
    sender = shop.buy().number
    sent = shop.send(sender)
    assert (sent.status, sent.segments) == ("queued", 1)
    (seen,) = shop.twilio.list(shop.line, to=ANA, sender=sender)
    assert (seen.sid, seen.to, seen.sender) == (sent.sid, ANA, sender)
    assert seen.digest == body_digest("Your ring is ready. 💍")
    assert seen.created_at == now
    assert shop.twilio.list(shop.line, to=BEN, sender=sender) == []
    shop.sim.run()
    assert [one.body for one in shop.sim.handset(ANA.e164)] == ["Your ring is ready. 💍"]
    assert shop.twilio.fetch(shop.line, sid=sent.sid).status in ("sent", "delivered")


def test_lists_over_several_pages_newest_first(shop: Shop, clock: Any) -> None:
    sender = shop.buy().number
    sids = []
    for n in range(5):
        sids.append(shop.send(sender, body=f"text {n}").sid)
        clock.advance(60)
    listed = shop.twilio.list(shop.line, to=ANA, sender=sender, limit=2)
    assert [one.sid for one in listed] == sids[:2:-1]
    everything = shop.twilio.list(shop.line, to=ANA, sender=sender, limit=50)
    assert [one.sid for one in everything] == sids[::-1]


def test_a_service_and_its_sender(shop: Shop) -> None:
    first, second = shop.buy("a"), shop.buy("b")
    shop.sim.services.add("relay", first.number.e164, sid="MG" + "51de" * 8)
    for _ in range(2):
        shop.twilio.add_to_service(shop.line, service="MG" + "51de" * 8, sid=second.sid)
    sent = shop.send(second.number, service="MG" + "51de" * 8)
    shop.sim.run()
    (arrived,) = shop.sim.handset(ANA.e164)
    assert arrived.sender == second.number.e164
    assert sent.status in ("accepted", "queued")


def test_an_opt_out_is_told(shop: Shop) -> None:
    sender = shop.buy().number
    shop.send(sender)
    shop.sim.run()
    shop.sim.text(ANA.e164, sender.e164, "STOP")
    with pytest.raises(TwilioRefusedError) as caught:
        shop.send(sender)
    assert (caught.value.code, caught.value.effect) == (21610, Effect.SUPPRESS)


def test_lost_answer_is_found_in_the_list(shop: Shop) -> None:
    """503 although it went: unknown, posted once, and there when one looks."""
    sender = shop.buy().number
    shop.sim.faults.add("POST .*/Messages.json", "status", status=503, processed=True, times=1)
    with pytest.raises(VendorUnavailableError) as caught:
        shop.send(sender)
    assert caught.value.processed is None
    (seen,) = shop.twilio.list(shop.line, to=ANA, sender=sender)
    assert seen.digest == body_digest("Your ring is ready. 💍")


def test_wrong_credentials(shop: Shop) -> None:
    shop.keys.values[shop.line.secret] = {"auth_token": "wrong"}
    with pytest.raises(VendorNotAuthorizedError):
        shop.twilio.owned(shop.line)
