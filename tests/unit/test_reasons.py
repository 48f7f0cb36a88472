"""Every reason code of the code has a sentence, and every sentence has a code."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path

import pytest

from instore.batch import Row, RowState
from instore.reasons import REASONS, Why, first_answer, notice_sentence, sentence, why

PACKAGE = Path(__file__).parents[2] / "layers" / "common" / "instore"
AT = datetime(2026, 11, 19, 16, 0, tzinfo=UTC)
# Calls that take a reason: name of what is called -> place of the reason among its arguments.
TAKES = {
    "Verdict": 0,
    "Blocked": 0,
    "blocked": 0,
    "NotNow": 1,
    "CameTo": 1,
    "_dropped_notice": 1,
    "_end": 2,
}
# Functions whose answer is a reason.
GIVES = {"may_text", "number_reason", "stop_reason", "text_reason", "first_reason", "_letter"}
# `reason=` that says nothing about a text: it is a log field or an HTTP phrase.
ELSEWHERE = {"runtime"}


Names = dict[str, str]


def texts(node: ast.expr | None, names: Names) -> set[str]:
    """The string constants an expression can evaluate to; `names` are constants of the package."""
    match node:
        case ast.Constant(value=str() as text):
            return {text}
        case ast.Name(id=name):
            return {names[name]} if name in names else set()
        case ast.IfExp(body=body, orelse=other):
            return texts(body, names) | texts(other, names)
        case ast.BoolOp(values=values):
            return set().union(*(texts(value, names) for value in values))
    return set()


def constants(tree: ast.Module) -> Names:
    """UPPER_CASE = "text" of a module."""
    return {
        target.id: node.value.value
        for node in tree.body if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id.isupper()
        and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }  # fmt: skip


def vendor_codes(tree: ast.Module) -> set[str]:
    """Our words in delivery.py's tables of the vendor's and the carrier's codes."""
    return {
        value.value
        for node in tree.body if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name) and node.target.id in ("_REASONS", "_CARRIER")
        and isinstance(node.value, ast.Dict)
        for value in node.value.values
        if isinstance(value, ast.Constant) and isinstance(value.value, str)
    }  # fmt: skip


def codes_of(tree: ast.AST, names: Names) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(
                function, "id", "")  # fmt: skip
            place = TAKES.get(name)
            if place is not None and len(node.args) > place:
                found |= texts(node.args[place], names)
            for keyword in node.keywords:
                if keyword.arg == "reason":
                    found |= texts(keyword.value, names)
        if isinstance(node, ast.FunctionDef) and node.name in GIVES:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return):
                    found |= texts(inner.value, names)
    return found - {""}


def all_codes() -> set[str]:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")
             if path.parent.name not in ELSEWHERE}  # fmt: skip
    names: Names = {}
    for tree in trees.values():
        names |= constants(tree)
    found = vendor_codes(trees[PACKAGE / "delivery.py"]) | {names["UNEXPLAINED"]}
    for tree in trees.values():
        found |= codes_of(tree, names)
    return found


def test_the_search_finds_what_is_there() -> None:
    found = codes_of(ast.parse(
        "row.blocked('one')\n"
        "def may_text(x):\n    return x and 'two' or None\n"
        "Verdict(stopped or 'three')\n"
        "row.to(S, reason='four' if x else 'five')\n"
        "_end(item, S, 'six')\n"
        "other('seven')\n"
        "Verdict(EIGHT)\n"
    ), {"EIGHT": "eight"})  # fmt: skip
    assert found == {"one", "two", "three", "four", "five", "six", "eight"}


def test_every_reason_in_the_code_has_a_sentence() -> None:
    codes = all_codes()
    assert {"no_consent", "daily_limit", "not_a_mobile", "same_thread", "claim_lost",
            "lease_lost", "stopped_store", "toll_free", "agent_left"} <= codes  # fmt: skip
    assert sorted(codes - set(REASONS)) == []


def test_sentences_are_sentences_and_different() -> None:
    assert all(text[0].isupper() and text.endswith(".") for text in REASONS.values())
    assert len(set(REASONS.values())) == len(REASONS)


def row(state: RowState, **more: object) -> Row:
    return Row(0, None, state=state, **more)  # type: ignore[arg-type]  # named by each test


@pytest.mark.parametrize("state", list(RowState))
def test_every_state_is_explained(state: RowState) -> None:
    assert why(row(state)).why.endswith(".")


def test_a_held_row_says_until_when_and_by_which_rule() -> None:
    held = row(RowState.DEFERRED, reason="outside_window", until=AT, rule="NY 09:00-20:00")
    assert why(held) == Why(
        "It is kept and goes by itself once the customer may be texted. At that time the customer "
        "may not be texted. The rule that decides: NY 09:00-20:00. It goes from "
        "2026-11-19T16:00:00.000Z on."
    )


def test_a_row_that_has_gone_does_not_speak_of_its_window() -> None:
    sent = row(RowState.SENT, reason="outside_window", until=AT, rule="NY 09:00-20:00")
    assert why(sent).why == why(row(RowState.SENT)).why


def test_a_blocked_row_says_what_changed_and_what_to_do() -> None:
    blocked = row(RowState.BLOCKED, reason="opted_out", first=(AT, "associate_window 11:00-20:00"))
    assert why(blocked) == Why(
        "It was not sent. The customer has asked for no more texts. When it was taken it was to go "
        "from 2026-11-19T16:00:00.000Z on, by the rule associate_window 11:00-20:00. A later look "
        "decided otherwise.",
        "Do not text. Only the customer's own START lifts this.",
    )
    again = row(RowState.BLOCKED, reason="customer_cap", until=AT)
    assert why(again).why.endswith("It may be asked again from 2026-11-19T16:00:00.000Z on.")
    assert why(again).advice is None


def test_an_unresolved_row_says_what_a_person_should_do() -> None:
    advice = why(row(RowState.UNRESOLVED)).advice
    assert advice is not None
    assert "LivePerson's conversation history" in advice


def test_the_first_answer_in_words() -> None:
    assert first_answer((None, None)) == "When it was taken it was to go at once."
    assert first_answer((AT, None)).endswith("from 2026-11-19T16:00:00.000Z on.")


def test_a_reason_of_a_newer_version_is_named() -> None:
    assert sentence("moon_full") == "Reason `moon_full`, which this version does not know."


def test_notices_in_words() -> None:
    assert notice_sentence("skipped", "opted_out") == (
        "It was not sent. The customer has asked for no more texts."
    )
    assert notice_sentence("deferred", "CT 09:00-20:00", until=AT) == (
        "It waits until the customer may be texted. The rule that decides: CT 09:00-20:00. "
        "Looked at again from 2026-11-19T16:00:00.000Z on."
    )
    assert notice_sentence("sent", None) == "It was sent."
    assert notice_sentence("strange", None) == "It is `strange`."
