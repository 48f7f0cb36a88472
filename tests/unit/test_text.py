"""Templates and their variables. Segment counts: tests/contracts/test_segments.py."""

import pytest

from instore.program_parts import Template
from instore.text import MAX_VARIABLE, check_variables, render


def template(text: str, variables: int) -> Template:
    return Template(name="t", id="1", text=text, variables=variables)


HELLO = template("Hi {1}, {2} at the shop. Reply STOP to end.", 2)


def problems(variables: dict[str, object]) -> list[str]:
    return [str(problem) for problem in check_variables(HELLO, variables) or []]


def test_render() -> None:
    assert render(HELLO, {"1": "Ana", "2": "Kim"}) == "Hi Ana, Kim at the shop. Reply STOP to end."


def test_a_value_is_not_expanded_again() -> None:
    assert render(HELLO, {"1": "{2}", "2": "Kim"}).startswith("Hi {2}, Kim")


def test_a_variable_nobody_gave_stays_visible() -> None:
    assert render(HELLO, {"1": "Ana"}).startswith("Hi Ana, {2}")


def test_ten_and_one_are_different_variables() -> None:
    text = " ".join(f"{{{n}}}" for n in range(1, 11))
    values = {str(n): chr(96 + n) for n in range(1, 11)}
    assert render(template(text, 10), values) == "a b c d e f g h i j"


def test_right_variables_have_no_problem() -> None:
    assert check_variables(HELLO, {"1": "Ana", "2": "x" * MAX_VARIABLE}) is None


def test_no_variables_for_none() -> None:
    assert check_variables(template("Hello", 0), {}) is None


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"1": "Ana"}, ["variables.2: is missing"]),
        ({}, ["variables.1: is missing", "variables.2: is missing"]),
        ({"1": "a", "2": "b", "3": "c"}, ["variables.3: the template has no such variable"]),
        ({"1": "a", "2": 7}, ["variables.2: must be a string"]),
        ({"1": "a", "2": None}, ["variables.2: must be a string"]),
        ({"1": " ", "2": "b"}, ["variables.1: is blank"]),
        ({"1": "a", "2": "b" * 1551}, ["variables.2: longer than 1550 characters"]),
    ],
)
def test_wrong_variables(variables: dict[str, object], expected: list[str]) -> None:
    assert problems(variables) == expected
