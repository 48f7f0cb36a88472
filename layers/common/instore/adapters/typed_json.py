"""DynamoDB's typed JSON and back: plain items out of Python's own values."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Item = dict[str, Any]


def encode(item: Mapping[str, Any]) -> dict[str, Any]:
    """A plain item in DynamoDB's typed JSON. None values are left out: absent says it better."""
    return {name: typed(value) for name, value in item.items() if value is not None}


def decode(raw: Mapping[str, Any]) -> Item:
    """DynamoDB's typed JSON as a plain item; whole numbers become int, others float."""
    return {name: _plain(value) for name, value in raw.items()}


def typed(value: Any) -> dict[str, Any]:
    """One value. Raises TypeError for what cannot be stored."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": str(value)}
        case float():
            return {"N": repr(value)}
        case bytes():
            return {"B": value}
        case set() | frozenset():
            return {"SS": sorted(value)}
        case Mapping():
            return {"M": {str(k): typed(v) for k, v in value.items()}}
        case list() | tuple():
            return {"L": [typed(v) for v in value]}
    raise TypeError(f"cannot store a {type(value).__name__}")


def _plain(value: Mapping[str, Any]) -> Any:
    ((kind, raw),) = value.items()
    match kind:
        case "N":
            number = float(raw)
            return int(raw) if "." not in raw and "e" not in raw.lower() else number
        case "NULL":
            return None
        case "SS":
            return set(raw)
        case "M":
            return decode(raw)
        case "L":
            return [_plain(v) for v in raw]
    return raw
