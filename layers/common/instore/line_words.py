"""The program's own sentences in texts of the SMS line: who of us speaks, and from where."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .directory import Pointer, Store
    from .program import Banner, Program


def worded(
    key: str, *, program: Program, banner: Banner, store: Store | None, whose: Pointer | None,
    language: str | None = None,
) -> str:  # fmt: skip
    """The sentence `key` in this language or the banner's. Without a `store` the banner stands in its
    place; `whose` associate it is, and the program's word for somebody where nobody knows."""
    language = language or banner.language
    person = store.find(whose.agent_id) if store and whose else None
    return program.message(
        key, language=language, banner=banner.label, store=store.name if store else banner.label,
        associate=(person.nickname if person else "")
        or program.message("associate", language=language),
    )  # fmt: skip
