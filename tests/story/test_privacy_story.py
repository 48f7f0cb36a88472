"""A customer agrees, is texted, writes, asks what is held, and asks to be forgotten (I10)."""

from __future__ import annotations

from typing import Any

import pytest
from local import ledger
from local.scene import Scene
from tests.story_rig import (
    ANA,
    BEN,
    DANA,
    KAY,
    batch,
    consent,
    in_store,
    on_screen,
    stored,
    texts,
    verdicts,
)

pytestmark = pytest.mark.enable_socket
NAME, DESK = "Anastasia", "privacy@kay.example.com"
WORDING = f"Yes, {NAME} agrees to texts of her associate. STOP ends it."
WORDS = f"Please take {NAME} off. Stop texting me."
EVIDENCE = "form 1204-77 signed"
LEFT = (ANA, ANA[1:], ANA[2:], NAME, WORDING, WORDS, EVIDENCE, "91101-7777")


def ask(scene: Scene, what: str, phone: str = ANA, **more: Any) -> tuple[int, dict[str, Any]]:
    answer = scene.api("POST", f"/customers/{what}", login=DESK, body={"phone": phone, **more},
                       scopes=(f"customers/{what}",))  # fmt: skip
    return answer.status_code, answer.json()


def agrees(scene: Scene, phone: str = ANA) -> None:
    body = {"phone": phone, "class": "one_to_one", "method": "tablet", "wording": WORDING,
            "evidence": EVIDENCE, "postal_code": "91101-7777", "zone": "America/Los_Angeles"}  # fmt: skip
    assert scene.api("POST", "/consents", login=DANA, body=body).status_code == 201


def texted(scene: Scene, *phones: str, key: str) -> Any:
    rows = [{"phone": phone, "variables": [NAME if phone == ANA else "Dana", "Kay"]}
            for phone in phones]  # fmt: skip
    return scene.api("POST", "/outreach", login=DANA, key=key,
                     body={"template": "new-arrivals", "recipients": rows})  # fmt: skip


def found(scene: Scene) -> list[str]:
    """Which of the personal things are anywhere in the raw table."""
    everything = stored(scene)
    return [needle for needle in LEFT if needle in everything]


def test_a_customer_is_forgotten_and_stays_blocked(capsys: pytest.CaptureFixture[str]) -> None:
    with in_store() as scene:
        dana = scene.sim.agent(DANA).login()
        agrees(scene)
        consent(scene, BEN)
        sent = texted(scene, ANA, key="1")
        scene.settle(patience_s=60)
        assert len(on_screen(scene, ANA)) == 1
        conversation = texts(scene, ANA, "Thank you, I shall come by")
        dana.accept(conversation)
        scene.settle()
        texts(scene, ANA, WORDS)  # heard in the conversation, kept in the ledger
        agrees(scene)
        assert scene.api("POST", "/consents", login=DANA, body={
            "phone": ANA, "class": "one_to_one", "method": "tablet", "wording": WORDING,
        }).status_code == 201  # fmt: skip
        scene.clock.advance(3600)
        waiting = texted(scene, BEN, key="2")
        scene.settle()
        assert set(LEFT) == set(found(scene))

        status, told = ask(scene, "export")
        assert status == 200
        assert (told["profile"]["phone"], told["profile"]["postal_code"]) == (ANA, "91101-7777")
        assert told["profile"]["bindings"]["kay"]["account"] == KAY
        assert told["ledger"]["verified"]
        assert WORDS in [entry.get("words") for entry in told["ledger"]["entries"]]
        assert [talk["conversation"] for talk in told["conversations"]] == [conversation.id]
        assert [(text["batch"], text["state"]) for text in told["texts"]] == [
            (sent.json()["id"], batch(scene, sent)["rows"][0]["status"])]  # fmt: skip

        status, done = ask(scene, "erase", reason="request 2026-118")
        assert (status, done["waiting"]) == (200, [])
        assert done["conversations"] == [{"account": KAY, "conversation": conversation.id}]
        assert found(scene) == []
        scene.clock.advance(301)
        assert scene.sweep()["counts"].get("ErasuresFinished") == 1
        assert found(scene) == []

        seen = on_screen(scene, ANA)
        blocked = texted(scene, ANA, key="3")
        assert verdicts(blocked.json()) == [("blocked", "erased")]
        agrees(scene)  # an associate's form does not bring them back
        assert verdicts(texted(scene, ANA, key="4").json()) == [("blocked", "erased")]
        scene.settle(patience_s=60)
        assert on_screen(scene, ANA) == seen
        assert batch(scene, sent)["rows"][0]["phone"] == f"{ANA[:2]}…{ANA[-2:]}"
        assert batch(scene, waiting)["rows"][0]["status"] in ("sent", "delivered")

        code = ledger.main(
            ["verify", "--table", scene.stack.table_name, "--customer", done["customer"]],
            clients=scene.stack.client,
        )
        assert (code, capsys.readouterr().out.splitlines()[-1]) == (
            0, f"1 customer(s), {len(told['ledger']['entries']) + 2} entries, 0 broken")  # fmt: skip

        dana.close(conversation)
        scene.settle()
        texts(scene, ANA, "START")  # their own word, and a form of after the request: anew
        assert verdicts(texted(scene, ANA, key="5").json()) == [("accepted", None)]


def test_only_the_privacy_desk_may_ask() -> None:
    with in_store() as scene:
        for what in ("export", "erase"):
            answer = scene.api("POST", f"/customers/{what}", login=DANA,
                               body={"phone": ANA, "reason": "x"})  # fmt: skip
            assert answer.status_code == 403
