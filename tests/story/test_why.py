"""Somebody asks why: over the stack's own API, with its own roles and indexes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from local import replay
from local.scene import Scene
from tests.story_rig import ANA, BEN, DANA, DANAS_CODE, LEE, consent, in_store, outreach, texts

pytestmark = pytest.mark.enable_socket
EXPLAIN = ("outreach/explain",)


def why(scene: Scene, account: str, conversation: str, **token: Any) -> tuple[int, dict[str, Any]]:
    answer = scene.api("GET", f"/conversations/{account}/{conversation}/receipt",
                       login="operator@example.com", **token)  # fmt: skip
    return answer.status_code, answer.json()


def our_item(scene: Scene) -> dict[str, Any]:
    items = scene.stack.client("dynamodb").scan(TableName=scene.stack.table_name)["Items"]
    (found,) = (item for item in items if "receipt" in item)
    return {name: next(iter(value.values())) for name, value in found.items()}


def test_why_a_conversation_was_routed_so_and_what_another_program_would_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with in_store() as scene:
        scene.sim.agent(DANA).logout()
        scene.sim.agent(LEE).login()
        texts(scene, ANA, DANAS_CODE)
        item = our_item(scene)
        account, conversation = item["account"], item["conversation"]
        status, told = why(scene, account, conversation, scopes=EXPLAIN)
        assert status == 200
        assert told["replays"] is True
        assert told["decision"]["agent_id"] == scene.sim.agent(LEE).id
        assert told["why"].startswith("Handed to another associate of the store (agent ")
        assert ANA not in str(told)
        assert why(scene, account, conversation)[0] == 403
        assert why(scene, account, "no-such", scopes=EXPLAIN)[0] == 404

        document = dict(scene.document)
        document["routing"] = {**document["routing"], "steps": ["associate", "skill"]}
        changed = tmp_path / "changed.yaml"
        changed.write_text(yaml.safe_dump(document))
        day = item["decided_on"].partition("#")[0]
        capsys.readouterr()
        code = replay.main(
            ["--program", str(changed), "--table", scene.stack.table_name, "--day", day,
             "--fail-on-difference"], client=scene.stack.client("dynamodb"),
        )  # fmt: skip
        assert code == 1
        assert f"{account}/{conversation}  [least_loaded_peer -> skill]" in capsys.readouterr().out


def test_what_can_be_sent_and_why_it_was_not() -> None:
    with in_store() as scene:
        listed = scene.api("GET", "/outreach/templates", login=DANA)
        assert listed.status_code == 200
        assert [one["name"] for one in listed.json()["templates"]] == [
            "new-arrivals", "come-back", "sale", "thank-you",
        ]  # fmt: skip
        consent(scene, ANA)
        taken = outreach(scene, ANA, BEN, key="why-1")
        rows = scene.api("GET", f"/outreach/{taken.json()['id']}", login=DANA).json()["rows"]
        assert [row["why"][:40] for row in rows] == [
            "Consent, opt-out, hours, limits and rese", "It was not sent. No consent of this cust",
        ]  # fmt: skip
        assert rows[1]["advice"] == "Record the customer's consent, then ask again."
