"""Segments as carriers bill them (3GPP TS 23.038 and 23.040), counted by hand."""

import pytest

from instore.text import Segments, segments

GSM, UCS = "GSM-7", "UCS-2"


@pytest.mark.parametrize(
    ("text", "count", "encoding", "units"),
    [
        ("", 1, GSM, 0),
        ("Your ring is ready.", 1, GSM, 19),
        ("x" * 160, 1, GSM, 160),
        ("x" * 161, 2, GSM, 161),
        ("x" * 306, 2, GSM, 306),
        ("x" * 307, 3, GSM, 307),
        ("x" * 1600, 11, GSM, 1600),
        ("€" * 80, 1, GSM, 160),
        ("€" * 81, 2, GSM, 162),
        # 152 + an escape pair: the pair does not fit in the 153rd place and moves on.
        ("x" * 152 + "€" + "x" * 152, 3, GSM, 306),
        ("x" * 151 + "€" + "x" * 153, 2, GSM, 306),
        ("\n\r\f", 1, GSM, 4),
        ("éèùìòàäöñüÄÖÑÜÉ", 1, GSM, 15),
        ("ΔΦΓΛΩΠΨΣΘΞ", 1, GSM, 10),
        ("`", 1, UCS, 1),
        ("\t", 1, UCS, 1),
        ("ç", 1, UCS, 1),
        ("á" * 70, 1, UCS, 70),
        ("á" * 71, 2, UCS, 71),
        ("á" * 134, 2, UCS, 134),
        ("á" * 135, 3, UCS, 135),
        ("don’t", 1, UCS, 5),
        ("💍", 1, UCS, 2),
        ("💍" * 35, 1, UCS, 70),
        ("💍" * 36, 2, UCS, 72),
        # 66 + a surrogate pair: the emoji is not cut in half.
        ("á" * 66 + "💍" + "á" * 66, 3, UCS, 134),
        ("á" * 65 + "💍" + "á" * 67, 2, UCS, 134),
        ("Arrêtez", 1, UCS, 7),
        ("Çà¿Ω", 1, GSM, 4),
        ("[" * 81, 2, GSM, 162),
        ("x" * 153 + "[" + "x" * 10, 2, GSM, 165),
        ("line1\nline2", 1, GSM, 11),
        ("5½ off", 1, UCS, 6),
        ("zero\u200bwidth", 1, UCS, 10),
    ],
)
def test_segments(text: str, count: int, encoding: str, units: int) -> None:
    assert segments(text) == Segments(count, encoding, len(text), units)  # type: ignore[arg-type]  # parametrized


def test_one_foreign_sign_doubles_the_price() -> None:
    assert segments("x" * 150).count == 1
    assert segments("x" * 149 + "ê").count == 3
