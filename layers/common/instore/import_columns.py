"""Which column of an uploaded file holds what: named by the client, or found by well-known words.

Headers are compared without case, spaces, dashes, underscores, accents and byte order mark.
What is missing, doubtful or there twice refuses the whole file and says which headers were found:
nobody is texted by a guess.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .errors import BadInputError
from .import_state import Columns, Places

# Header words per role, docs/import.md. Folded before they are compared.
WORDS: Mapping[str, tuple[str, ...]] = {
    "phone": (
        "phone", "phone number", "mobile", "mobile phone", "mobile number", "cell", "cell phone",
        "cell number", "telephone", "telephone number", "number", "msisdn", "e164", "teléfono",
        "móvil", "celular", "cellulaire", "numéro",
    ),
    "zone": ("zone", "time zone", "tz", "zona horaria", "fuseau horaire"),
    "postal_code": ("postal code", "postcode", "zip", "zip code", "código postal", "code postal"),
    "associate": ("associate", "associate login", "login", "consultant"),
}  # fmt: skip
_VARIABLE = re.compile(r"(?:\{(\d{1,2})\}|(?:v|var|variable)?(\d{1,2}))\Z")
_MOST_SHOWN, _LONGEST_SHOWN = 30, 40
MOST_COLUMNS = 200


def fold_header(text: str) -> str:
    """A header in the one form under which headers are compared."""
    plain = unicodedata.normalize("NFKD", text.replace("\ufeff", "")).casefold()
    return "".join(c for c in plain if not unicodedata.combining(c) and not c.isspace()
                   and c not in "_-")  # fmt: skip


def find_columns(
    headers: Sequence[str], *, asked: Columns, variables: int | None, by_associate: bool
) -> Places:
    """Find every column. `variables`: how many the template takes, None = not known before the
    rows; `by_associate`: the file must name the associate of each row.

    Raises BadInputError `columns_unclear` with the headers found.
    """
    if len(headers) > MOST_COLUMNS:
        raise BadInputError(f"more than {MOST_COLUMNS} columns", code="columns_unclear")
    search = _Search(headers)
    phone = search.one("phone", named=asked.phone, needed=True)
    assert phone is not None
    return Places(
        phone=phone, width=len(headers),
        variables=search.variables(asked.variables, wanted=variables),
        zone=search.one("zone", named=asked.zone),
        postal_code=search.one("postal_code", named=asked.postal_code),
        associate=search.one("associate", named=asked.associate, needed=True)
        if by_associate else None,
    )  # fmt: skip


def understood(headers: Sequence[str], places: Places) -> dict[str, Any]:
    """Role -> header as the file writes it: what the client is shown."""
    single = {role: getattr(places, role) for role in WORDS}
    found: dict[str, Any] = {
        role: _shown(headers[place]) for role, place in single.items() if place is not None
    }
    return {**found, "variables": [_shown(headers[place]) for place in places.variables]}


class _Search:
    def __init__(self, headers: Sequence[str]) -> None:
        self._headers = headers
        self._folded = [fold_header(header) for header in headers]

    def one(self, role: str, *, named: str | None, needed: bool = False) -> int | None:
        if named is not None:
            return self._named(named, role=role)
        words = {fold_header(word) for word in WORDS[role]}
        places = [place for place, header in enumerate(self._folded) if header in words]
        if len(places) > 1:
            several = ", ".join(_shown(self._headers[place]) for place in places)
            raise self._unclear(f"several columns could be {role} ({several}): name one")
        if not places and needed:
            raise self._unclear(f"no column for {role}")
        return places[0] if places else None

    def variables(self, named: Iterable[str] | None, *, wanted: int | None) -> tuple[int, ...]:
        if named is not None:
            places = tuple(self._named(name, role="variables") for name in named)
            if wanted is not None and len(places) != wanted:
                raise self._unclear(f"the template takes {wanted} variables, not {len(places)}")
            return places
        numbered: dict[int, list[int]] = {}
        for place, header in enumerate(self._folded):
            found = _VARIABLE.match(header)
            if found:
                numbered.setdefault(int(found[1] or found[2]), []).append(place)
        last = wanted
        if last is None:  # one after the other from 1, as far as they go
            last = next(n for n in range(len(numbered) + 1) if n + 1 not in numbered)
        for number in range(1, last + 1):
            if len(numbered.get(number, ())) != 1:
                what = "no column" if number not in numbered else "several columns"
                raise self._unclear(f"{what} for variable {number}")
        return tuple(numbered[number][0] for number in range(1, last + 1))

    def _named(self, name: str, *, role: str) -> int:
        places = [place for place, header in enumerate(self._folded) if header == fold_header(name)]
        if len(places) != 1:
            what = "there is no column" if not places else f"{len(places)} columns are called"
            raise self._unclear(f"{role}: {what} {_shown(name)}")
        return places[0]

    def _unclear(self, what: str) -> BadInputError:
        if any(_is_of_somebody(header) for header in self._headers):
            return BadInputError("the first line names no columns: it looks like somebody's row",
                                 code="columns_unclear")  # fmt: skip
        found = ", ".join(_shown(header) for header in self._headers[:_MOST_SHOWN])
        return BadInputError(f"{what}; found: {found}", code="columns_unclear")


def _is_of_somebody(cell: str) -> bool:
    """A number or an address: then the file has no header line, and nothing of its first line is
    repeated. Messages are kept for weeks, and erasing a customer does not reach them."""
    return sum(c.isdigit() for c in cell) >= 7 or "@" in cell


def _shown(header: str) -> str:
    """A header as it may be shown."""
    if _is_of_somebody(header):
        return "(a number or an address)"
    plain = " ".join(header.replace("\ufeff", "").split())
    return plain if len(plain) <= _LONGEST_SHOWN else plain[: _LONGEST_SHOWN - 1] + "…"
