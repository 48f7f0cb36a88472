"""Templates over the outreach API: what they are, what they cost, and who may get them first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.outreach_rig import ANNA, BEN, LOGINS, Rig, phone

from instore.adapters.table import Table
from instore.model import epoch

READ = "outreach/read"


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return Rig(table, clock)


def rows(numbers: list[str], variables: list[str]) -> list[dict[str, Any]]:
    return [{"phone": number, "variables": variables} for number in numbers]


def thank(rig: Rig, numbers: list[str], key: str = "k-9") -> tuple[int, dict[str, Any]]:
    body = {"template": "thank-you", "recipients": rows(numbers, ["Maria"])}
    return rig.ask("POST /outreach", body, key=key)


def reasons(answer: tuple[int, dict[str, Any]]) -> list[str | None]:
    return [row.get("reason") for row in answer[1]["rows"]]


def test_what_an_associate_can_send(rig: Rig) -> None:
    status, told = rig.ask("GET /outreach/templates", scopes=READ)
    assert status == 200
    assert (told["banner"], told["label"]) == ("kay", "Kay Jewelers")
    assert [one["name"] for one in told["templates"]] == [
        "new-arrivals", "come-back", "sale", "thank-you",
    ]  # fmt: skip
    assert told["templates"][0] == {
        "name": "new-arrivals", "variables": 2, "examples": ["Anna", "Kay Jewelers"],
        "text": "{1} from {2} here. Something came in that made me think of you. May I show you? "
                "Reply STOP to end texts.",
        "purpose": "one_to_one", "first": True, "characters": 114, "encoding": "GSM-7",
        "segments": 1, "most_segments": 11,
    }  # fmt: skip
    assert told["templates"][3]["first"] is False


def test_a_dear_template_says_which_character_makes_it_so(rig: Rig) -> None:
    def dear(document: dict[str, Any]) -> None:
        document["outreach"]["templates"][0]["examples"] = ["Zoë’s friend", "Kay"]

    rig.apply(dear)
    one = rig.ask("GET /outreach/templates", scopes=READ)[1]["templates"][0]
    assert (one["encoding"], one["segments"], one["foreign"]) == ("UCS-2", 2, "ë")


def test_templates_of_somebody_else_take_the_right_scope(rig: Rig) -> None:
    from tests.outreach_rig import http_event

    def ask(scopes: str) -> dict[str, Any]:
        from outreach_api import app

        event = http_event("GET /outreach/templates", scopes=scopes, login=LOGINS[ANNA])
        event["queryStringParameters"] = {"associate": LOGINS[BEN]}
        with rig.process():
            answer: dict[str, Any] = app.handler(event, rig.context())
        return answer

    assert ask(READ)["statusCode"] == 403
    assert ask(f"{READ} outreach/behalf")["statusCode"] == 200


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (["Anna", "Kay"], {"allowed": True, "characters": 105, "encoding": "GSM-7", "segments": 1}),
        (["Anna 💍", "Kay"],
         {"allowed": True, "characters": 107, "encoding": "UCS-2", "segments": 2}),
        (["Anna", "your jeweller"], {"allowed": False, "reason": "brand_missing",
         "characters": 115, "encoding": "GSM-7", "segments": 1}),
        (["Anna"], {"allowed": False, "reason": "variables_wrong", "characters": 105,
                    "encoding": "GSM-7", "segments": 1}),
    ],
)  # fmt: skip
def test_a_check_shows_what_the_text_would_cost(
    rig: Rig, variables: list[str], expected: dict[str, Any]
) -> None:
    rig.customers(1)
    body = {"phone": phone(0), "template": "new-arrivals", "variables": variables}
    status, told = rig.ask("POST /outreach/check", body)
    assert status == 200
    assert told == {**expected, "remaining_today": 100}


def test_variables_of_nothing_are_refused(rig: Rig) -> None:
    status, told = rig.ask("POST /outreach/check", {"phone": phone(0), "variables": ["Anna"]})
    assert (status, told["details"]) == (
        400, [{"where": "body", "what": "variables belong to a template"}],
    )  # fmt: skip


def test_a_text_that_does_not_say_who_writes_is_blocked_by_itself(rig: Rig) -> None:
    numbers = rig.customers(3)
    body = {"template": "new-arrivals", "recipients": [
        *rows(numbers[:1], ["Anna", "Kay"]), *rows(numbers[1:2], ["Anna", "Jared"]),
        *rows(numbers[2:], ["x" * 1550, "Kay"])]}  # fmt: skip
    answer = rig.ask("POST /outreach", body)
    assert answer[0] == 202
    assert reasons(answer) == [None, "brand_missing", "too_long"]
    assert rig.used() == 1


def test_a_text_that_is_never_first_waits_for_a_first_one(rig: Rig) -> None:
    numbers = rig.customers(1)
    check = {"phone": numbers[0], "template": "thank-you"}
    assert rig.ask("POST /outreach/check", check)[1]["reason"] == "first_text"
    assert reasons(thank(rig, numbers)) == ["first_text"]
    assert rig.used() == 0
    rig.text(numbers)
    rig.deliver()
    assert reasons(thank(rig, numbers, "k-10")) == ["first_text"]
    rig.clock.advance(3600)
    assert rig.ask("POST /outreach/check", check)[1]["allowed"] is True
    answer = thank(rig, numbers, "k-11")
    assert reasons(answer) == [None]
    rig.deliver()
    assert rig.states(answer[1]["id"]) == ["sent"]


def test_a_first_text_that_did_not_go_was_none(rig: Rig) -> None:
    numbers = rig.customers(1)
    rig.vendor.refuse[numbers[0][1:]] = "INVALID_NUMBER"
    rig.text(numbers)
    rig.deliver()
    rig.clock.advance(3600)
    assert reasons(thank(rig, numbers)) == ["first_text"]


def test_it_is_looked_at_once_more_right_before_the_call(rig: Rig) -> None:
    """Accepted by a program in which it might be first, sent under one in which it may not."""
    numbers = rig.customers(1)

    def may_be_first(document: dict[str, Any]) -> None:
        document["outreach"]["templates"][3] |= {
            "text": "Kay: {1}, thank you. Reply STOP to end texts.", "first": True,
        }  # fmt: skip

    rig.apply(may_be_first)
    answer = thank(rig, numbers)
    assert reasons(answer) == [None]
    rig.apply()
    rig.deliver()
    look = rig.ask("GET /outreach/{id}", path={"id": answer[1]["id"]})[1]["rows"][0]
    assert (look["status"], look["reason"], look["advice"]) == (
        "blocked", "first_text", "Send a template that may be first; this one may follow it.",
    )  # fmt: skip
    assert rig.vendor.texts == {}


def test_what_a_customer_had_is_kept_with_its_banner(rig: Rig) -> None:
    numbers = rig.customers(1)
    batch = rig.text(numbers)[1]["id"]
    item = rig.table.query(f"CUSTOMER#{rig.services().customers.id_of(_phone(numbers[0]))}")[0]
    assert item["sent"] == [[epoch(rig.clock.now()), batch, "kay"]]
    rig.clock.advance(int(timedelta(days=36).total_seconds()))
    assert reasons(thank(rig, numbers)) == ["first_text"]


def _phone(number: str) -> Any:
    from instore.model import Phone

    return Phone(number)
