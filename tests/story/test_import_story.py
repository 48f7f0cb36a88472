"""A file of recipients, from the form to the handsets: over HTTP, on the local stack."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from local.scene import Scene
from tests.story_rig import (
    ANA,
    BEN,
    CLEO,
    DANA,
    LEE,
    ZOE,
    consent,
    in_store,
    on_screen,
    outreach,
    told,
    waiting,
)

from instore.runtime import import_operations

pytestmark = pytest.mark.enable_socket
SCOPES = ("outreach/import", "outreach/read", "outreach/send", "outreach/consent")


@pytest.fixture
def scene() -> Iterator[Scene]:
    with in_store() as scene:
        yield scene


def ask(scene: Scene, method: str, path: str, **more: Any) -> httpx.Response:
    return scene.api(method, path, **{"login": DANA, "scopes": SCOPES, **more})


def opened(scene: Scene, *, key: str = "i-1", mode: str = "send", **more: Any) -> dict[str, Any]:
    body = {"template": "new-arrivals", "mode": mode,
            "columns": {"phone": "Mobile", "variables": ["First name", "Shop"]}}  # fmt: skip
    token = {name: more.pop(name) for name in ("login", "scopes") if name in more}
    answer = ask(scene, "POST", "/outreach/imports", body=body | more, key=key, **token)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def upload(
    scene: Scene, form: dict[str, Any], content: str | bytes, **changed: str
) -> httpx.Response:
    """Post the form as a browser would: DNS leads the bucket's host to this machine."""
    data = content.encode() if isinstance(content, str) else content
    return httpx.post(
        scene.stack.storage_url, data=form["fields"] | changed,
        files={"file": ("people.csv", data, "text/csv")},
        headers={"host": urlsplit(form["url"]).netloc},
    )  # fmt: skip


def look(scene: Scene, import_id: str, **more: Any) -> dict[str, Any]:
    answer = ask(scene, "GET", f"/outreach/imports/{import_id}", **more)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def fetched(scene: Scene, url: str) -> httpx.Response:
    parts = urlsplit(url)
    return httpx.get(f"{scene.stack.storage_url}{parts.path}?{parts.query}",
                     headers={"host": parts.netloc})  # fmt: skip


def result(scene: Scene, import_id: str, **more: Any) -> list[dict[str, str]]:
    answer = fetched(scene, look(scene, import_id, **more)["result"]["url"])
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def verdicts(rows: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    return [(row["row"], row["verdict"], row["reason"]) for row in rows]


FILE = f"""First name;Mobile;Shop
Ana;{ANA};Kay
Ben;(213) 555-0102;Kay

Nobody;12;Kay
Ana again;{ANA};Kay
Cleo;{CLEO};
"""
EXPECTED = [("2", "accepted", ""), ("3", "accepted", ""), ("5", "blocked", "invalid_number"),
            ("6", "blocked", "duplicate"), ("7", "blocked", "variables_wrong")]  # fmt: skip


def people(scene: Scene) -> None:
    for phone in (ANA, BEN, CLEO):
        consent(scene, phone)


def test_a_file_is_checked_and_then_sent_without_another_upload(scene: Scene) -> None:
    people(scene)
    made = opened(scene, mode="check")
    assert made["state"] == "awaiting"
    assert made["columns"] == {"phone": "Mobile", "variables": ["First name", "Shop"],
                               "zone": None, "postal_code": None, "associate": None}  # fmt: skip
    assert upload(scene, made["upload"], FILE).status_code == 204
    scene.settle()
    checked = look(scene, made["id"])
    assert (checked["state"], checked["rows"]) == ("checked", {"done": 5, "of": 5})
    assert checked["counts"] == {"accepted": 2, "deferred": 0, "segments": 2, "blocked": {
        "invalid_number": 1, "duplicate": 1, "variables_wrong": 1}}  # fmt: skip
    assert verdicts(result(scene, made["id"])) == EXPECTED
    assert on_screen(scene, ANA) == []
    answer = ask(scene, "POST", f"/outreach/imports/{made['id']}/send")
    assert (answer.status_code, answer.json()["state"]) == (202, "running")
    scene.settle(patience_s=60)
    done = look(scene, made["id"])
    assert (done["state"], done["mode"]) == ("done", "send")
    rows = result(scene, made["id"])
    assert verdicts(rows) == EXPECTED
    assert rows[0]["phone"] == "'+1…01"
    batch = ask(scene, "GET", f"/outreach/{rows[0]['batch']}").json()
    assert [row["status"] for row in batch["rows"]][:2] == ["sent", "sent"]
    assert [len(on_screen(scene, phone)) for phone in (ANA, BEN, CLEO)] == [1, 1, 0]
    assert on_screen(scene, BEN)[0].startswith("Ben from Kay here.")
    again = ask(scene, "POST", f"/outreach/imports/{made['id']}/send")
    assert (again.status_code, again.json()["state"]) == (200, "done")
    assert waiting(scene, "ImportQueue") == waiting(scene, "ImportDeadLetters") == 0


@pytest.mark.slow
def test_the_form_takes_one_file_of_one_kind_for_one_place(scene: Scene) -> None:
    made = opened(scene)
    form = made["upload"]
    assert form["most_bytes"] == 5_000_000
    other = form["fields"]["key"].replace("/upload.csv", "/other.csv")
    assert upload(scene, form, FILE, key=other).status_code == 403
    assert upload(scene, form, FILE, **{"Content-Type": "text/html"}).status_code == 403
    assert upload(scene, form, FILE, acl="public-read").status_code == 403
    assert upload(scene, form, b"x" * 5_000_001).status_code == 400
    assert upload(scene, form, b"").status_code == 400
    forged = form["fields"]["x-amz-signature"][::-1]
    assert upload(scene, form, FILE, **{"x-amz-signature": forged}).status_code == 403
    scene.settle()
    assert look(scene, made["id"])["state"] == "awaiting"
    assert upload(scene, form, FILE).status_code == 204


def test_a_link_to_a_result_cannot_be_bent(scene: Scene) -> None:
    people(scene)
    made = opened(scene)
    upload(scene, made["upload"], FILE)
    scene.settle(patience_s=30)
    url = look(scene, made["id"])["result"]["url"]
    assert fetched(scene, url).headers["content-disposition"].startswith("attachment")
    assert fetched(scene, url.replace("result.csv", "pages/0000.csv")).status_code == 403
    assert fetched(scene, url.split("?")[0]).status_code == 403


def test_another_associate_cannot_see_it_and_head_office_can(scene: Scene) -> None:
    made = opened(scene)
    path = f"/outreach/imports/{made['id']}"
    for method, where in (("GET", path), ("POST", f"{path}/send"), ("POST", f"{path}/cancel")):
        assert told(ask(scene, method, where, login=LEE)) == (404, "unknown_import")
    assert ask(scene, "GET", path, login=LEE, scopes=("outreach/read", "outreach/admin")).is_success
    assert told(ask(scene, "GET", "/outreach/imports/i" + "0" * 23)) == (404, "unknown_import")
    assert ask(scene, "POST", "/outreach/imports", scopes=("outreach/send",), body={},
               key="k").status_code == 403  # fmt: skip


def test_head_office_texts_for_several_associates_with_one_file(scene: Scene) -> None:
    for phone, login in ((ANA, DANA), (BEN, LEE), (CLEO, ZOE)):
        consent(scene, phone, login=login)
    office: dict[str, Any] = {"login": "office@example.com",
                              "scopes": ("outreach/import", "outreach/read", "outreach/behalf")}  # fmt: skip
    columns = {"phone": "Mobile", "variables": ["Name", "Shop"], "associate": "Login"}
    made = opened(scene, columns=columns, **office)
    upload(scene, made["upload"], "Login,Name,Shop,Mobile\n"
           f"{DANA.upper()},Dana,Kay,{ANA}\n{LEE},Lee,Kay,{BEN}\n"
           f"{ZOE},Zoe,Zales,{CLEO}\nnobody@kay.example.com,N,Kay,+12135550109\n")  # fmt: skip
    scene.settle(patience_s=60)
    rows = result(scene, made["id"], **office)
    assert [(row["associate"], row["verdict"], row["reason"]) for row in rows] == [
        (DANA, "accepted", ""), (LEE, "accepted", ""),
        (ZOE, "accepted", ""), ("nobody@kay.example.com", "blocked", "unknown_associate"),
    ]  # fmt: skip
    assert len({row["batch"] for row in rows[:3]}) == 3
    assert on_screen(scene, ANA)[0].startswith("Dana from Kay here.")
    assert on_screen(scene, BEN)[0].startswith("Lee from Kay here.")
    assert on_screen(scene, CLEO)[0].startswith("Zoe from Zales here.")
    assert told(ask(scene, "POST", "/outreach/imports", key="x", body={
        "template": "new-arrivals", "mode": "send", "columns": columns})) == (403, "scope_missing")  # fmt: skip


def test_what_has_not_gone_can_be_called_back(scene: Scene) -> None:
    people(scene)
    made = opened(scene)
    upload(scene, made["upload"], FILE)
    scene.settle()  # taken; the linger of the program is not over
    assert look(scene, made["id"])["state"] == "done"
    answer = ask(scene, "POST", f"/outreach/imports/{made['id']}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelling")
    scene.settle(patience_s=120)
    assert look(scene, made["id"])["state"] == "cancelled"
    assert [on_screen(scene, phone) for phone in (ANA, BEN)] == [[], []]
    again = outreach(scene, ANA, key="by hand", login=DANA)
    assert (again.status_code, again.json()["remaining_today"]) == (202, 99)


def test_a_long_file_goes_on_in_further_invocations(scene: Scene, monkeypatch: Any) -> None:
    """Every call of the function takes three seconds: a page and no more in one invocation."""
    monkeypatch.setattr(import_operations, "PAGE_ROWS", 2)
    people(scene)

    def slow(run: Callable[[], Any], **_: Any) -> Any:
        scene.clock.advance(3)
        return run()

    function = scene.stack.functions["OutreachImport"]
    function.boundary = slow
    made = opened(scene)
    assert upload(scene, made["upload"], FILE).status_code == 204
    scene.settle(patience_s=300)
    assert look(scene, made["id"])["state"] == "done"
    assert verdicts(result(scene, made["id"])) == EXPECTED
    assert sum('"handed_on":true' in line for line in function.logs) >= 1
    assert [len(on_screen(scene, phone)) for phone in (ANA, BEN)] == [1, 1]
    assert waiting(scene, "ImportDeadLetters") == 0
