"""Webhooks: signed, SUGGESTED before ACTIVE, repeated, shuffled, retried, switched off."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest
from local.liveperson import webhooks

pytestmark = pytest.mark.enable_socket
OWNER, SUB = "20000001", "20000002"
KAY, PHONE = "+12125550140", "+12125550123"
DANA = "dana@shop.example"
CHANGE = "cqm.ExConversationChangeNotification"


def changes(ours: Any) -> list[dict[str, Any]]:
    return [body["body"]["changes"][0]["result"]["conversationDetails"]
            for body in ours.requests("webhook") if body["type"] == CHANGE]  # fmt: skip


def states_of(ours: Any, pid: str) -> list[str]:
    return [p["state"] for change in changes(ours)
            for p in change["dialogs"][0]["participantsDetails"] if p["id"] == pid]  # fmt: skip


@pytest.fixture
def hooked(sim: Any, ours: Any) -> Any:
    sim.install_webhook(SUB, "hook-client", "hook-secret", f"{ours.url}/liveperson/events")
    return sim


def test_headers_and_signature(hooked: Any, ours: Any) -> None:
    hooked.text_from(PHONE, to=KAY, text="Grüße 💍")
    hooked.run()
    for request in ours.got:
        if request.path != "/liveperson/events":
            continue
        mac = hmac.new(b"hook-secret", request.body, hashlib.sha1).digest()
        assert request.headers["x-liveperson-signature"] == (
            "sha1=" + base64.b64encode(mac).decode()
        )
        assert request.headers["x-liveperson-account-id"] == SUB
        assert request.headers["x-liveperson-client-id"] == "hook-client"
    texts = [b["body"]["changes"][0] for b in ours.requests("webhook") if b["type"] != CHANGE]
    assert [(t["sequence"], t["event"]["message"]) for t in texts] == [
        (0, "Grüße 💍"), (1, "One moment.")]  # fmt: skip


def test_signatures_agree_with_openssl() -> None:
    raw = b'{"kind":"notification"}'
    assert webhooks.signature("s3cret", raw) == "sha1=hjfW3B0A9h8o7d3mjG8iFm+Cf10="
    assert webhooks.signature("s3cret", raw, digest="sha256") == (
        "sha256=HjcXwacIvjw6pCPaQjte3PiEm5r6+EB+aG6fbuAzg1c="
    )


def test_suggested_comes_before_active(hooked: Any, ours: Any) -> None:
    dana = hooked.agent(DANA).login()
    ours.transfers("kay-people", dana.id)
    conversation = hooked.text_from(PHONE, to=KAY, text="hi")
    hooked.run()
    assert states_of(ours, dana.pid) == ["SUGGESTED"]
    last = changes(ours)[-1]
    assert {"id": dana.pid, "role": "ASSIGNED_AGENT"} in last["participants"]
    assert (last["brandId"], last["skillId"], last["state"]) == (SUB, conversation.skill, "OPEN")
    dana.accept(conversation)
    hooked.run()
    assert states_of(ours, dana.pid) == ["SUGGESTED", "ACTIVE"]
    dana.close(conversation)
    hooked.run()
    assert changes(ours)[-1]["closeReason"] == "AGENT"
    stamps = [change["metaDataLastUpdateTs"] for change in changes(ours)]
    assert stamps == sorted(set(stamps))  # strictly newer each time, though the clock stood still


def test_copies_and_disorder_on_request(hooked: Any, ours: Any) -> None:
    dana = hooked.agent(DANA).login()
    conversation = hooked.member("M-1").opens_web_conversation(SUB, "kay-people", "hi")
    hooked.run()
    before = len(changes(ours))
    dana.accept(conversation)
    dana.reply(conversation, "Hello")
    dana.close(conversation)
    hooked.deliver(copies=3, shuffle=True)
    stamps = [change["metaDataLastUpdateTs"] for change in changes(ours)[before:]]
    assert len(stamps) == 6
    assert {stamps.count(stamp) for stamp in stamps} == {3}
    assert stamps != sorted(stamps)


def test_faults_repeat_and_reorder_webhooks(hooked: Any, ours: Any) -> None:
    hooked.faults.add(f"webhook {SUB}", "duplicate", times=1)
    hooked.member("M-1").opens_web_conversation(SUB, "kay-people", "hi")
    hooked.run()
    assert len(ours.requests("webhook")) == 3  # a text twice, the change once
    hooked.faults.add("webhook", "reorder")
    hooked.member("M-1").says("there?")
    hooked.run()
    assert [kind.value for _, kind in hooked.faults.happened] == ["duplicate", "reorder"]


def test_retried_every_thirty_seconds_five_times(hooked: Any, ours: Any, clock: Any) -> None:
    ours.answers("webhook", *[500] * 7)
    hooked.world.accounts[SUB].webhooks[0].types = (CHANGE,)
    hooked.member("M-1").opens_web_conversation(SUB, "kay-people", "hi")
    for attempts in range(1, 7):
        hooked.run()
        assert len(ours.requests("webhook")) == attempts
        clock.advance(30)
    hooked.run()
    assert len(ours.requests("webhook")) == 6  # the first and five more, then dropped
    assert len({request.body for request in ours.got}) == 1


def test_switched_off_after_two_slow_minutes(
    hooked: Any, ours: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "SLOW_S", 0.0)  # every answer counts as slow
    hook = hooked.world.accounts[SUB].webhooks[0]
    hooked.member("M-1").opens_web_conversation(SUB, "kay-people", "hi")
    hooked.run()
    clock.advance(119)
    hooked.member("M-1").says("one")
    hooked.run()
    assert not hook.disabled
    clock.advance(1)
    hooked.member("M-1").says("two")
    hooked.run()
    assert hook.disabled
    received = len(ours.requests("webhook"))
    hooked.member("M-1").says("three")
    hooked.run()
    assert len(ours.requests("webhook")) == received


def test_some_apps_hear_only_of_their_own(make: Any, ours: Any) -> None:
    sim = make(webhook_covers="own")
    sim.install_webhook(SUB, "c", "s", f"{ours.url}/liveperson/events")
    sim.text_from(PHONE, to=KAY, text="hi")
    sim.run()
    assert ours.requests("webhook") == []


def test_short_details_hide_who_is_only_suggested(make: Any, ours: Any) -> None:
    sim = make(webhook_details="short", webhook_digest="sha256")
    sim.install_webhook(SUB, "c", "s", f"{ours.url}/liveperson/events", types=(CHANGE,))
    sim.text_from(PHONE, to=KAY, text="hi")
    sim.run()
    assert all("dialogs" not in change for change in changes(ours))
    assert ours.got[-1].headers["x-liveperson-signature"].startswith("sha256=")


def test_nobody_listening_is_a_failure_not_a_crash(sim: Any) -> None:
    sim.install_webhook(SUB, "c", "s", "http://127.0.0.1:9/liveperson/events", types=(CHANGE,))
    sim.member("M-1").opens_web_conversation(SUB, "kay-people", "hi")
    sim.run()
    assert [(s.kind, s.status) for s in sim.sent] == [("webhook", 0)]
