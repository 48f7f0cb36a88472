"""What a program must keep to come into force, beside being one.

Not among the checks of instore/program_checks.py: those hold for a program in force, too, which must
still load - and be stopped - after an update of the code, whatever else is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterable

from instore.errors import FieldProblem
from instore.program import Banner, Program


def number_problems(program: Program) -> Iterable[FieldProblem]:
    """Numbers of the SMS line that lead to two banners: the number is all that a customer's first
    text says of whom it is for. What only LivePerson has may be shared, as its bots tell."""
    if program.line is None:
        return
    first: dict[str, Banner] = {}
    for index, banner in enumerate(program.banners):
        other = first.setdefault(banner.number.outbound, banner)
        if other is not banner and (other.features.line or banner.features.line):
            yield _shared(f"banners[{index}].number.outbound", with_=other.name)
    named = {number: banner.name for number, banner in first.items()}
    for index, branch in enumerate(program.line.branches):
        name = named.setdefault(branch.number, branch.banner)
        if name != branch.banner:
            yield _shared(f"line.branches[{index}].number", with_=name)


def secret_problems(program: Program, *, prefix: str) -> Iterable[FieldProblem]:
    """Secrets that a stack with this SecretPrefix would look for elsewhere, or may not read."""
    here = f"this stack's SecretPrefix is {prefix}"
    exact = [(f"accounts[{n}].secret", account.secret, f"{prefix}lp/{account.id}")
             for n, account in enumerate(program.accounts)]  # fmt: skip
    parts = [(f"banners[{n}].routing.backend.secret", banner.routing.backend)
             for n, banner in enumerate(program.banners)]  # fmt: skip
    others = [(where, part.secret) for where, part in parts if part]
    line = program.line
    if line is not None:
        exact.append(("line.secret", line.secret, f"{prefix}twilio/{line.account_sid.lower()}"))
        services = (("push", line.push), ("mail", line.mail))
        others += [(f"line.{name}.secret", part.secret) for name, part in services if part]
    for where, secret, expected in exact:
        if secret != expected:
            yield FieldProblem(where, f"must be {expected}: {here}")
    for where, named in others:
        if named is not None and not named.startswith(prefix):
            yield FieldProblem(where, f"must begin with {prefix}: {here}")


def _shared(where: str, *, with_: str) -> FieldProblem:
    return FieldProblem(where, f"is also a number of banner {with_!r}: a text to it could be for "
                        "either")  # fmt: skip
