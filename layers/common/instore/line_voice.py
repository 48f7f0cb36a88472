"""What who calls a text-only number hears: that it takes texts, and where to call instead (R146)."""

from __future__ import annotations

from . import voice
from .directory import Store
from .program import Program
from .relay_search import store_phone
from .relay_state import RelayLine


def text_only(line: RelayLine | None, *, store: Store | None, program: Program) -> str:
    """The call's TwiML: said twice, then the end. `store` is the one of the line's associate, whose
    number is told; a number of nobody's, and a store without one, is told without.

    Not a Reject: a caller who only hears a tone tries again.
    """
    banner = program.banner(line.banner) if line is not None else None
    language = (banner.language if banner is not None else None) or program.language
    phone = store_phone(store)
    words = program.message(
        "line_texts_only" if phone is None else "line_call_store", language=language,
        banner=banner.label if banner is not None else "",
        store=store.name if store is not None else "",
        phone=voice.spelled(phone.e164) if phone is not None else "",
    )  # fmt: skip
    once = voice.say(words, language=language)
    return voice.document(once, once, voice.hang_up())
