"""What a first text has to say: who is writing, and how to make it stop.

Carriers' rules (CTIA Messaging Principles and Best Practices; Twilio's messaging policy): the first
message of a program names its sender and tells how to opt out. A template that may be a customer's
first (`first`, the default) is checked when the program is applied; what comes from a variable is
checked on the finished text of every row. A template that may not be first goes only to customers
who have had a text of this banner: what cannot be established blocks.

The come-back notice counts as a first text whatever its template says: the customer wrote first,
but on the web; on their handset it may be the first word from this number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .batch import KEPT
from .model import epoch
from .text import MAX_TEXT, check_variables, named_variables, render

if TYPE_CHECKING:
    from .consent import Customer
    from .program import Banner
    from .program_parts import Template

# Words that end texts, per language, as a customer reads them; STOP is one everywhere, by the
# carriers' own rule. revocation.py understands every one of them (a test compares).
STOP_WORDS: Mapping[str, tuple[str, ...]] = {
    "en": ("STOP",),
    "es": ("STOP", "ALTO", "BAJA"),
    "fr": ("STOP", "ARRET", "ARRÊT"),
}
# By then a text that certainly did not go has been taken back from the customer (sweeping.py).
SETTLED = timedelta(hours=1)


def tells_how_to_stop(text: str, *, language: str) -> bool:
    """Whether the text has a word that ends texts, in capitals and by itself: STOP, not `stop by`,
    not NON-STOP."""
    return any(re.search(rf"(?<![\w-]){word}(?![\w-])", text) for word in _stop_words(language))


def names_banner(text: str, *, banner: Banner) -> bool:
    """Whether the text has one of the names customers know the banner by, as a word of its own."""
    return any(
        re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE)
        for name in (banner.label, *banner.known_as)
    )


def template_problems(template: Template, *, banner: Banner, language: str) -> Iterable[str]:
    """Why this template cannot be a first text, as far as it shows without variables."""
    if not template.first:
        return
    if not tells_how_to_stop(template.text, language=language):
        yield no_stop(language)
    if not template.variables and not names_banner(template.text, banner=banner):
        yield f"a first text names the banner ({banner.label}), or set first: false"


def notice_problems(
    template: Template, *, banner: Banner, language: str, link: str | None
) -> Iterable[str]:
    """Why this template cannot be the notice: every variable of it is known before it is sent."""
    at_hand = notice_variables(template, nickname="N", link=link, banner=banner)
    if at_hand is None:
        yield "a notice fills {1} nickname, {2} notification.link, {3} the banner's label"
        return
    if not tells_how_to_stop(template.text, language=language):
        yield no_stop(language)
    if not names_banner(render(template, named_variables(at_hand)), banner=banner):
        yield f"the notice names the banner: {banner.label}, or its label as {{3}}"


def notice_variables(
    template: Template, *, nickname: str, link: str | None, banner: Banner
) -> tuple[str, ...] | None:
    """The notice's variables, as many as the template has; None if it asks for more than we have."""
    at_hand = (nickname, link or "", banner.label)[: template.variables]
    return at_hand if len(at_hand) == template.variables and all(at_hand) else None


def text_reason(
    template: Template, *, variables: Mapping[str, object], banner: Banner
) -> str | None:
    """Why a row's finished text cannot go: variables_wrong, too_long, brand_missing, or None."""
    if check_variables(template, variables) is not None:
        return "variables_wrong"
    text = render(template, {key: str(value) for key, value in variables.items()})
    if len(text) > MAX_TEXT:
        return "too_long"
    if template.first and not names_banner(text, banner=banner):
        return "brand_missing"
    return None


def first_reason(
    customer: Customer | None, *, template: Template, banner: str, batch: str, now: datetime
) -> str | None:
    """`first_text` when this template may not be first and no text of this banner is known to have
    gone to the customer in the last 35 days, which is as long as a text is remembered."""
    if template.first:
        return None
    newest, oldest = epoch(now - SETTLED), epoch(now - KEPT)
    had = customer is not None and any(
        sent.banner == banner and sent.batch != batch and oldest < sent.at <= newest
        for sent in customer.sent
    )
    return None if had else "first_text"


def no_stop(language: str) -> str:
    """What is wrong with a first text that does not tell how to end texts."""
    words = " or ".join(_stop_words(language))
    return f"a first text tells how to end texts: {words} in capitals"


def _stop_words(language: str) -> tuple[str, ...]:
    return STOP_WORDS.get(language[:2], STOP_WORDS["en"])
