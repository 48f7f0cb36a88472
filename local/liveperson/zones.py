"""Where a phone is thought to be: LivePerson derives the recipient's zone from the number."""

from __future__ import annotations

_AREAS = {
    "America/New_York": "212 646 917 718 347 201 908 973 202 203 305 786 404 470 215 267 216"
    " 401 410 443 508 516 518 561 585 607 610 614 617 631 678 703 704 716 732 757 803 804 813 845"
    " 857 860 864 910 914 919 929 954",
    "America/Chicago": "312 773 872 214 469 972 713 832 281 512 210 314 414 504 612 615 901",
    "America/Denver": "303 720 505 801 385 406 208 307 719",
    "America/Phoenix": "602 480 623 520",
    "America/Los_Angeles": "213 310 323 415 408 503 206 253 425 510 530 559 619 626 650 661 702 707"
    " 714 725 760 805 818 831 858 909 916 925 949 951",
    "America/Anchorage": "907",
    "Pacific/Honolulu": "808",
    "America/Toronto": "416 647 437 613 514 438 905 519",
    "America/Vancouver": "604 778 236",
    "America/Edmonton": "403 587 780",
    "America/Winnipeg": "204 431",
    "America/Halifax": "902 506",
    "America/St_Johns": "709",
}
_ZONE = {area: zone for zone, areas in _AREAS.items() for area in areas.split()}


def zone_of(number: str) -> str:
    """The zone of a +1 number's area code; New York when we do not know better."""
    return _ZONE.get(number[2:5], "America/New_York") if number.startswith("+1") else "UTC"


def plausible(digits: str) -> bool:
    """A number that a campaign would take: a +1 number that can exist, or 8-15 digits elsewhere."""
    if not digits.isascii() or not digits.isdigit():
        return False
    if digits.startswith("1"):
        return len(digits) == 11 and digits[1] in "23456789" and digits[4] in "23456789"
    return 8 <= len(digits) <= 15
