"""Wrongs of a program that only show when its fields are seen together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .call_messages import FIRST_TEXTS
from .errors import FieldProblem
from .first_text import no_stop, notice_problems, tells_how_to_stop, template_problems
from .model import Stickiness, fold_word
from .program_parts import RESERVED_WORDS, Outreach, ends
from .request_messages import REQUEST_FIRST_TEXTS

if TYPE_CHECKING:
    from .program import Program


def problems_of(program: Program) -> list[FieldProblem]:
    """All of them, in the order of the document."""
    return [*_account_problems(program), *_banner_problems(program), *_bot_problems(program),
            *_reference_problems(program), *_line_problems(program)]  # fmt: skip


def _account_problems(program: Program) -> Iterable[FieldProblem]:
    owners = [a for a in program.accounts if a.role == "owner"]
    if len(owners) != 1:
        yield FieldProblem("accounts", f"exactly one account is the owner, not {len(owners)}")
    yield from _repeated("accounts", "id", [a.id for a in program.accounts])
    for index, account in enumerate(program.accounts):
        # The webhook finds the secret by the account's id alone, without reading the program.
        if not account.secret.endswith(f"/lp/{account.id}"):
            yield FieldProblem(f"accounts[{index}].secret", f"must end with /lp/{account.id}")


def _banner_problems(program: Program) -> Iterable[FieldProblem]:
    yield from _repeated("banners", "name", [b.name for b in program.banners])
    for index, banner in enumerate(program.banners):
        where = f"banners[{index}]"
        if program.account(banner.account) is None:
            yield FieldProblem(f"{where}.account", f"unknown account {banner.account!r}")
        for what in ends(banner.routing):
            yield FieldProblem(f"{where}.routing.steps", what)
        strict = banner.routing.stickiness is Stickiness.STRICT
        if strict and banner.last_skill == banner.human_skill:
            # Whoever has the human skill could take it: a stranger, which strict promises never.
            yield FieldProblem(f"{where}.fallback_skill", "strict needs one beside human_skill")
        if banner.routing.triggers.any and banner.virtual_skill is None:
            yield FieldProblem(f"{where}.virtual_skill", "needed by routing.triggers")
        if "backend" in banner.routing.resolvers and banner.routing.backend is None:
            yield FieldProblem(f"{where}.routing.backend", "needed by resolver `backend`")
        if "token" in banner.routing.resolvers and banner.routing.token is None:
            yield FieldProblem(f"{where}.routing.token", "needed by resolver `token`")
        yield from _outreach_problems(banner.outreach, where=f"{where}.outreach")
        language = banner.language or program.language
        for n, template in enumerate(banner.outreach.templates):
            for what in template_problems(template, banner=banner, language=language):
                yield FieldProblem(f"{where}.outreach.templates[{n}].text", what)


def _bot_problems(program: Program) -> Iterable[FieldProblem]:
    # LivePerson tells a bot who calls, and of the skill only an id that no document explains: which
    # banner a customer texted must follow from the bot user alone.
    banners: dict[tuple[str, str], str] = {}
    for index, banner in enumerate(program.banners):
        for bot in banner.bots:
            first = banners.setdefault((banner.account, bot), banner.name)
            if first != banner.name:
                yield FieldProblem(f"banners[{index}].bots", f"bot {bot!r} is also of {first!r}: "
                                   "each banner needs bot users of its own")  # fmt: skip


def _outreach_problems(outreach: Outreach, *, where: str) -> Iterable[FieldProblem]:
    if outreach.lease_hours <= outreach.max_defer_hours:
        # A text deferred once more when it was to go would find its customer given away.
        yield FieldProblem(f"{where}.lease_hours", "must be longer than max_defer_hours")
    yield from _repeated(f"{where}.templates", "name", [t.name for t in outreach.templates])


def _reference_problems(program: Program) -> Iterable[FieldProblem]:
    for index, name in enumerate(program.stops.banners):
        if program.banner(name) is None:
            yield FieldProblem(f"stops.banners[{index}]", f"unknown banner {name!r}")
    yield from _alias_problems(program)
    wanted = program.notification.template or ""
    for index, banner in enumerate(program.banners):
        if program.notification.when == "never" or not banner.features.notification:
            continue
        where = f"banners[{index}].outreach.templates"
        template = program.template(wanted, banner)
        if template is None:
            yield FieldProblem(where, f"notification.template {wanted!r} is not among them")
            continue
        for what in notice_problems(template, banner=banner, link=program.notification.link,
                                    language=banner.language or program.language):  # fmt: skip
            yield FieldProblem(where, f"notification.template {wanted!r}: {what}")


def _line_problems(program: Program) -> Iterable[FieldProblem]:
    line = program.line
    if line is None:
        yield from _without_line(program)
        return
    # The webhook finds the secret by the account's sid alone, without reading the program.
    if not line.secret.endswith(f"/twilio/{line.account_sid.lower()}"):
        yield FieldProblem("line.secret", f"must end with /twilio/{line.account_sid.lower()}")
    yield from _repeated("line.branches", "name", [b.name for b in line.branches])
    for index, branch in enumerate(line.branches):
        theirs = program.banner(branch.banner)
        if theirs is None:
            yield FieldProblem(
                f"line.branches[{index}].banner", f"unknown banner {branch.banner!r}"
            )
        elif theirs.routing.stickiness is Stickiness.STRICT and branch.skill == theirs.human_skill:
            # As with fallback_skill: whoever has it could take another one's customer.
            yield FieldProblem(
                f"line.branches[{index}].skill", "strict needs one beside human_skill"
            )
    called = FIRST_TEXTS if line.branches else ()
    yield from _first_text_problems(program, keys=(*called, *REQUEST_FIRST_TEXTS))


def _without_line(program: Program) -> Iterable[FieldProblem]:
    """What only an SMS line can do."""
    for name in ("channel", "when_open"):
        if getattr(program.notification, name) == "twilio":
            yield FieldProblem(f"notification.{name}", "twilio needs `line`")
    for index, banner in enumerate(program.banners):
        if banner.number.strategy == "relay":
            yield FieldProblem(f"banners[{index}].number.strategy", "relay needs `line`")


def _first_text_problems(program: Program, *, keys: Iterable[str]) -> Iterable[FieldProblem]:
    """The first text after a call or a request is the program's own sentence: it keeps a first
    text's rules."""
    for language, messages in program.messages.items():
        for key in keys:
            text = messages.texts.get(key)
            if text is not None and not tells_how_to_stop(text, language=language):
                yield FieldProblem(f"messages.{language}.texts.{key}", no_stop(language))
            if text is not None and "{banner}" not in text:
                yield FieldProblem(
                    f"messages.{language}.texts.{key}", "a first text names the {banner}"
                )


def _alias_problems(program: Program) -> Iterable[FieldProblem]:
    seen: dict[tuple[str, str], int] = {}
    for index, alias in enumerate(program.aliases):
        where = f"aliases[{index}]"
        word = fold_word(alias.word)
        if program.banner(alias.banner) is None:
            yield FieldProblem(f"{where}.banner", f"unknown banner {alias.banner!r}")
        if word is None:
            yield FieldProblem(f"{where}.word", "2-40 letters and digits")
        elif word in RESERVED_WORDS:
            yield FieldProblem(f"{where}.word", f"{alias.word!r} is a reserved word")
        elif (first := seen.setdefault((alias.banner, word), index)) != index:
            yield FieldProblem(f"{where}.word", f"duplicate alias: same as aliases[{first}]")


def _repeated(where: str, field: str, values: list[str]) -> Iterable[FieldProblem]:
    for index, value in enumerate(values):
        if value in values[:index]:
            yield FieldProblem(f"{where}[{index}].{field}", f"{value!r} is there twice")
