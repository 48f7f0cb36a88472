"""Relay numbers as items of the table: their keys, and an activation written and read."""

from __future__ import annotations

from ..directory import Pointer, pointer_from, pointer_item
from ..model import Phone, fold_login, from_iso, iso, maybe_iso
from ..relay_state import Activation, Deed, LineState
from .table import Item


def number_key(number: Phone) -> tuple[str, str]:
    return f"LINE#{number.e164}", "LINE"


def associate_key(account: str, *, agent_id: str) -> tuple[str, str]:
    return f"ASSOCIATE#{account}#{agent_id}", "LINE"


def login_key(login: str) -> tuple[str, str]:
    return f"LINE#login:{fold_login(login)}", "LINE"


def inherited_pk(successor: Pointer) -> str:
    return f"LINE#successor:{successor.account}#{successor.agent_id}"


def associate_item(activation: Activation) -> Item:
    account, agent = activation.pointer.account, activation.pointer.agent_id
    pk, sk = associate_key(account, agent_id=agent)
    return {**document(activation), "pk": pk, "sk": sk}


def document(activation: Activation) -> Item:
    """An activation as it is stored; what is empty is absent."""
    number, candidate, successor = activation.number, activation.candidate, activation.successor
    item: Item = {
        **pointer_item(activation.pointer), "login": activation.login,
        "banner": activation.banner, "tag": activation.tag, "state": str(activation.state),
        "since": iso(activation.since), "by": activation.by, "service": activation.service,
        "candidate": candidate and candidate.e164, "tried_at": maybe_iso(activation.tried_at),
        "number": number and number.e164, "sid": activation.sid,
        "successor": successor and pointer_item(successor),
        "free_at": maybe_iso(activation.free_at), "handing": activation.handing or None,
        "surplus": list(activation.surplus) or None,
        "former": [phone.e164 for phone in activation.former] or None,
        "relieved": [pointer_item(one) for one in activation.relieved] or None,
        "history": [[str(deed.state), iso(deed.at), deed.by] for deed in activation.history],
        "asked_at": maybe_iso(activation.asked_at), "account_sid": activation.account_sid,
        "rev": activation.rev,
    }  # fmt: skip
    return {name: value for name, value in item.items() if value is not None}


def from_item(item: Item) -> Activation:
    """An associate's or a number's item as the activation it tells of."""
    successor = item.get("successor")
    return Activation(
        pointer=pointer_from(item), login=item["login"], banner=item["banner"], tag=item["tag"],
        state=LineState(item["state"]), since=from_iso(item["since"]), by=item["by"],
        service=item.get("service"), candidate=_phone(item.get("candidate")),
        tried_at=from_iso(item["tried_at"]) if "tried_at" in item else None,
        number=_phone(item.get("number")), sid=item.get("sid"),
        successor=None if successor is None else pointer_from(successor),
        free_at=from_iso(item["free_at"]) if "free_at" in item else None,
        handing=item.get("handing", False), surplus=tuple(item.get("surplus", ())),
        former=tuple(Phone(text) for text in item.get("former", ())),
        relieved=tuple(pointer_from(one) for one in item.get("relieved", ())),
        history=tuple(Deed(LineState(state), from_iso(at), by)
                      for state, at, by in item.get("history", ())),
        asked_at=from_iso(item["asked_at"]) if "asked_at" in item else None,
        account_sid=item.get("account_sid"), rev=item["rev"],
    )  # fmt: skip


def _phone(text: str | None) -> Phone | None:
    return None if text is None else Phone(text)
