"""The promises, held against what really reached a handset. Numbers I1 to I13 as in the design.

Every check reads the simulator's log; what our own side says is used only to ask whether it tells
the truth.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from .evidence import REF, Evidence, Row, Text
from .oracle import outside

REACHED = {"sent", "delivered", "replied"}
FINAL = REACHED | {"blocked", "rejected", "skipped", "failed", "unresolved"}


@dataclass(frozen=True, slots=True)
class Broken:
    """One broken promise: which, in a sentence, and the events that show it."""

    promise: str
    what: str
    events: tuple[str, ...]


def check_all(evidence: Evidence) -> list[Broken]:
    """Everything that was broken, promise by promise, in the order of events."""
    return [broken for check in CHECKS for broken in check(evidence)]


def texts_by_ref(evidence: Evidence) -> dict[str, list[Text]]:
    """Reference in the text -> texts with it; "" for those without one (notices)."""
    found: dict[str, list[Text]] = defaultdict(list)
    for text in evidence.texts:
        match = REF.search(text.body)
        found[match[1] if match else ""].append(text)
    return found


def _with_rows(evidence: Evidence) -> Iterator[tuple[Text, Row]]:
    for ref, texts in texts_by_ref(evidence).items():
        if ref in evidence.rows:
            yield from ((text, evidence.rows[ref]) for text in texts)


def _show(text: Text) -> str:
    """A text without its number: the reference is enough to find it."""
    match = REF.search(text.body)
    return f"{text.at:%d %H:%M:%S} {match[1] if match else 'notice'} {text.campaign}"


def _consent(evidence: Evidence) -> Iterator[Broken]:
    """I1: no text to somebody who had not agreed to it for this banner."""
    for text, row in _with_rows(evidence):
        person = evidence.people.get(text.phone)
        agreed = person.consents.get(row.banner) if person else None
        if agreed is None or (row.template == "sale" and agreed != "marketing"):
            yield Broken("I1", f"texted without consent for {row.banner}", (_show(text),))


def _opted_out(evidence: Evidence) -> Iterator[Broken]:
    """I9: no text whose call left us after the opt-out was acknowledged; notices included."""
    for text in evidence.texts:
        person = evidence.people.get(text.phone)
        if person is None or person.out_at is None:
            continue
        letter = evidence.letters.get(text.campaign)
        if (letter.left if letter else text.at) > person.out_at:
            yield Broken("I9", "texted after the opt-out was acknowledged",
                         (f"{person.out_at:%d %H:%M:%S} opt-out", _show(text)))  # fmt: skip


def _unheard(evidence: Evidence) -> Iterator[Broken]:
    """I9: an opt-out that was said was acknowledged."""
    for person in evidence.people.values():
        if person.asked_out_at is not None and person.must_be_heard and person.out_at is None:
            yield Broken("I9", "an opt-out was never heard",
                         (f"{person.asked_out_at:%d %H:%M:%S}",))  # fmt: skip


def _window(evidence: Evidence) -> Iterator[Broken]:
    """I2: no text outside the shop's hours or anybody's lawful hours."""
    for text, row in _with_rows(evidence):
        person = evidence.people.get(text.phone)
        wrong = outside(
            text.at, phone=text.phone, zone=person.zone if person else None,
            postal_code=person.postal_code if person else None, country=row.country,
            store_zone=row.store_zone, store_state=row.store_state, window=evidence.window,
        )  # fmt: skip
        if wrong is not None:
            yield Broken("I2", f"texted outside the window ({wrong})", (_show(text),))


def _quota(evidence: Evidence) -> Iterator[Broken]:
    """I3: no more texts an associate and local day than allowed, counted on handsets."""
    used: Counter[tuple[str, str]] = Counter()
    for text, row in _with_rows(evidence):
        used[row.login, f"{text.at.astimezone(ZoneInfo(row.store_zone)):%Y-%m-%d}"] += 1
    for (login, day), count in sorted(used.items()):
        if count > evidence.per_day:
            yield Broken("I3", f"{count} texts of one associate in a day", (f"{login} {day}",))


def _doubles(evidence: Evidence) -> Iterator[Broken]:
    """I4: a row is taken by the vendor once at most, and reaches its handset once at most."""
    for ref, texts in texts_by_ref(evidence).items():
        if ref and len(texts) > 1:
            yield Broken("I4", f"row {ref} reached a handset {len(texts)} times",
                         tuple(_show(text) for text in texts))  # fmt: skip
    for ref, campaigns in evidence.taken.items():
        if len(campaigns) > 1:
            yield Broken("I4", f"the vendor took row {ref} {len(campaigns)} times",
                         tuple(campaigns))  # fmt: skip


def _lease(evidence: Evidence) -> Iterator[Broken]:
    """I5: while one associate holds a customer, nobody else texts them."""
    by_phone: dict[str, list[tuple[Text, Row]]] = defaultdict(list)
    for text, row in _with_rows(evidence):
        by_phone[text.phone].append((text, row))
    span = timedelta(hours=evidence.lease_hours)
    for phone, pairs in by_phone.items():
        pairs.sort(key=lambda pair: pair[0].at)
        for (first, mine), (second, other) in pairwise(pairs):
            if (mine.login, mine.banner) == (other.login, other.banner):
                continue
            ended = any(first.at <= end <= second.at for end in evidence.closed.get(phone, ()))
            if second.at - first.at < span and not ended:
                yield Broken("I5", "texted by two associates within one lease",
                             (_show(first), _show(second)))  # fmt: skip


def _same_answer(evidence: Evidence) -> Iterator[Broken]:
    """I6: a repeated bot event gets the answer it had, a repeated request the same verdicts."""
    for (conversation, sequence), answers in evidence.bot.items():
        if len(set(answers)) > 1:
            yield Broken("I6", "a repeated bot event got another answer",
                         (f"{conversation} {sequence}", *sorted(set(answers))))  # fmt: skip
    for key, answers in evidence.answers.items():
        if len(set(answers)) > 1:
            yield Broken("I6", "a repeated request got another answer",
                         (key, *sorted(set(answers))))  # fmt: skip


def claimed_too_much(evidence: Evidence) -> set[str]:
    """Rows that are `sent` although the vendor refused their number, in a campaign that it did
    take and whose answer never came: its reports name no numbers, so nobody can tell the one from
    the others. Counted in the report; not a broken promise."""
    lost = {ref for name, letter in evidence.letters.items()
            if name in evidence.created and not letter.answered for ref in letter.refs}  # fmt: skip
    return {ref for ref in lost if ref in evidence.rows and not evidence.taken.get(ref)
            and evidence.rows[ref].final == "sent"}  # fmt: skip


def _nothing_lost(evidence: Evidence) -> Iterator[Broken]:
    """I13: every row ends in one final state, and that state is true."""
    texts, claimed = texts_by_ref(evidence), claimed_too_much(evidence)
    for ref, row in evidence.rows.items():
        wrong = _untrue(row, count=len(texts.get(ref, ())), taken=bool(evidence.taken.get(ref)),
                        claimed=ref in claimed)  # fmt: skip
        if wrong is not None:
            yield Broken("I13", wrong, (ref, row.final_reason or row.reason))
    for name in evidence.stuck:
        yield Broken("I13", "work is left over after the day", (name,))


def _untrue(row: Row, *, count: int, taken: bool, claimed: bool) -> str | None:
    """What is wrong with what we say of a row whose text is on `count` handsets."""
    if row.verdict == "blocked":
        return "a blocked row reached a handset" if count or taken else None
    if row.final not in FINAL:
        return f"a row never ended: {row.final or 'unanswered'}"
    if row.final in REACHED and not taken and not claimed:
        return f"a row is {row.final}, and the vendor never took it"
    if row.final in ("delivered", "replied") and not count:
        return f"a row is {row.final}, and no handset has it"
    if row.final not in (*REACHED, "unresolved") and count:
        return f"a row is {row.final}, and a handset has it"
    return None


def _asked_for(evidence: Evidence) -> Iterator[Broken]:
    """I13: whatever is on a handset was asked for, for this handset and from this number."""
    for ref, texts in texts_by_ref(evidence).items():
        for text in texts if ref else ():
            row = evidence.rows.get(ref)
            if row is None or (row.phone, row.sender) != (text.phone, text.sender):
                yield Broken("I13", "a handset has a text nobody asked for", (_show(text),))


CHECKS: tuple[Callable[[Evidence], Iterator[Broken]], ...] = (
    _doubles, _window, _consent, _opted_out, _unheard, _quota, _lease, _same_answer, _nothing_lost,
    _asked_for,
)  # fmt: skip
