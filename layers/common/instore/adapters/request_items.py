"""Service requests as items and back, and where they lie in lists. docs/data-model.md."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..directory import Pointer, pointer_from, pointer_item
from ..model import Email, Phone, due_shard, epoch, from_epoch, from_iso, iso, maybe_iso
from ..service_request import (
    KEPT,
    By,
    Link,
    Reply,
    ReplyState,
    ServiceRequest,
    Shelf,
    Source,
    Told,
)
from .table import Item

SK = "REQUEST"
REPLY, EMAIL = "REPLY#", "EMAIL"
LISTS = {Shelf.LEADS: "LEAD#", Shelf.TEAM: "TEAM#", Shelf.ASSOCIATE: "REQUEST#"}


def request_key(request: str) -> tuple[str, str]:
    return f"REQUEST#{request}", SK


def reply_key(request: str, reply: str) -> tuple[str, str]:
    return f"REQUEST#{request}", f"{REPLY}{reply}"


# ------------------------------------------------------------ lists


def list_of(shelf: Shelf, pointer: Pointer) -> str:
    if shelf is Shelf.ASSOCIATE:
        return f"ASSOCIATE#{pointer.account}#{pointer.agent_id}"
    return f"STORE#{pointer.account}#{pointer.group}"


def entries_of(request: ServiceRequest) -> list[tuple[str, str]]:
    """Where it lies in a list: nowhere once it is erased."""
    if request.erased:
        return []
    shelf = request.shelf if request.pointer is None else Shelf.ASSOCIATE
    pointer = request.pointer or Pointer(request.account, request.group, "")
    return [(list_of(shelf, pointer), f"{LISTS[shelf]}{iso(request.created_at)}#{request.id}")]


def entry_items(request: ServiceRequest) -> list[Item]:
    return [{"pk": pk, "sk": sk, "request": request.id,
             "expires_at": epoch(request.created_at + KEPT)} for pk, sk in entries_of(request)]  # fmt: skip


def email_item(request: ServiceRequest) -> Item:
    return {"pk": request_key(request.id)[0], "sk": EMAIL, "customer": request.also,
            "expires_at": epoch(request.created_at + KEPT)}  # fmt: skip


# ------------------------------------------------------------ items


def request_item(request: ServiceRequest) -> Item:
    pk, sk = request_key(request.id)
    told, pointer, due = request.confirmed, request.pointer, request.due_at
    item: Item = {
        "pk": pk, "sk": sk, "id": request.id, "rev": request.rev,
        "fingerprint": request.fingerprint, "source": request.source.value,
        "by": request.by.value, "banner": request.banner, "account": request.account,
        "group": request.group, "shelf": request.shelf.value, "customer": request.customer,
        "also": request.also, "created_at": iso(request.created_at), "name": request.name,
        "phone": request.phone and request.phone.e164,
        "email": request.email and request.email.address, "message": request.message,
        "page": request.page, "language": request.language,
        "has": pointer and pointer_item(pointer), "taken_at": maybe_iso(request.taken_at),
        "consent": request.consent,
        "confirmed": told and [told.state, told.reason, maybe_iso(told.until)],
        "bound": request.bound, "replies": list(request.replies),
        "replied_at": maybe_iso(request.replied_at), "noted": request.noted,
        "timed": request.timed, "waited_long": request.waited_long, "erased": request.erased,
        "due_shard": due and due_shard(pk), "due_at": due and epoch(due),
        "expires_at": epoch(request.created_at + KEPT),
    }  # fmt: skip
    return {name: value for name, value in item.items() if value not in (None, "", [], False)}


def request_from(item: Mapping[str, Any]) -> ServiceRequest:
    """Inverse of `request_item`."""
    told, pointer = item.get("confirmed"), item.get("has")
    return ServiceRequest(
        id=item["id"], rev=item["rev"], fingerprint=item["fingerprint"],
        source=Source(item["source"]), by=By(item["by"]), banner=item["banner"],
        account=item["account"], group=item["group"], shelf=Shelf(item["shelf"]),
        customer=item["customer"], also=item.get("also", ""),
        created_at=from_iso(item["created_at"]), name=item.get("name", ""),
        phone=Phone(item["phone"]) if "phone" in item else None,
        email=Email(item["email"]) if "email" in item else None, message=item.get("message", ""),
        page=item.get("page", ""), language=item.get("language"),
        pointer=None if pointer is None else pointer_from(pointer), taken_at=_at(item, "taken_at"),
        consent=item.get("consent"),
        confirmed=None if told is None else Told(
            told[0], told[1], from_iso(told[2]) if told[2] else None),
        bound=item.get("bound"), replies=tuple(item.get("replies", ())),
        replied_at=_at(item, "replied_at"), noted=item.get("noted", False),
        timed=item.get("timed", False), waited_long=item.get("waited_long", False),
        erased=item.get("erased", False),
        due_at=from_epoch(item["due_at"]) if "due_at" in item else None,
    )  # fmt: skip


def reply_item(reply: Reply) -> Item:
    pk, sk = reply_key(reply.request, reply.id)
    item: Item = {
        "pk": pk, "sk": sk, "id": reply.id, "request": reply.request,
        "fingerprint": reply.fingerprint, "created_at": iso(reply.at), "by": reply.by.value,
        **pointer_item(reply.pointer), "login": reply.login, "customer": reply.customer,
        "words": reply.words, "links": [[link.url, link.title] for link in reply.links],
        "media": list(reply.media), "state": reply.state.value, "reason": reply.reason,
        "erased": reply.erased, "expires_at": epoch(reply.at + KEPT),
    }  # fmt: skip
    return {name: value for name, value in item.items() if value not in (None, "", [], False)}


def reply_from(item: Mapping[str, Any]) -> Reply:
    return Reply(
        id=item["id"], request=item["request"], fingerprint=item["fingerprint"],
        at=from_iso(item["created_at"]), by=By(item["by"]), pointer=pointer_from(item),
        login=item["login"], customer=item["customer"], words=item.get("words", ""),
        links=tuple(Link(url, title) for url, title in item.get("links", ())),
        media=tuple(item.get("media", ())), state=ReplyState(item["state"]),
        reason=item.get("reason", ""), erased=item.get("erased", False),
    )  # fmt: skip


def _at(item: Mapping[str, Any], name: str) -> datetime | None:
    return from_iso(item[name]) if name in item else None
