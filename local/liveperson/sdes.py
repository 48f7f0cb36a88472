"""Engagement attributes in a custom-endpoint create call: the inner shape is not documented."""

from __future__ import annotations

from typing import Any

from .options import Options


def of_phone(options: Options, phone: str) -> dict[str, Any]:
    """What the SMS connector fills in for a handset, unauthenticated."""
    sdes: dict[str, Any] = {}
    if "ctmrinfo.imei" in options.sms_phone_in:
        sdes["ctmrinfo"] = {"imei": phone}
    if "personal.phone" in options.sms_phone_in:
        sdes["personal"] = {"contacts": [{"phone": phone}]}
    return {"unauthenticated": sdes}


def shaped(options: Options, sdes: dict[str, Any]) -> dict[str, Any]:
    """`{"authenticated": {...}, "unauthenticated": {...}}` as the endpoint gets it.

    Each part maps `ctmrinfo` and `personal` to their attributes.
    """
    return {
        "authenticatedSdes": _shape(options.sde_shape, sdes.get("authenticated", {})),
        "unauthenticatedSdes": _shape(options.sde_shape, sdes.get("unauthenticated", {})),
    }


def _shape(shape: str, parts: dict[str, Any]) -> dict[str, Any]:
    if shape == "history":
        renamed = {"ctmrinfo": "customerInfo", "personal": "personalInfo"}
        return {renamed[kind]: {renamed[kind]: values} for kind, values in parts.items()}
    inner = {"ctmrinfo": "info", "personal": "personal"}
    typed = {kind: {"type": kind, inner[kind]: values} for kind, values in parts.items()}
    return {"events": list(typed.values())} if shape == "events" and typed else typed
