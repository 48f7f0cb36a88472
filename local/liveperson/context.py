"""Conversation Context Service v1: namespaces, sessions and properties behind an API key."""

from __future__ import annotations

import re
from typing import Any

from ..serving import Answer, Request, answer
from .records import Refused
from .world import World

RESERVED = {"consumer", "operational", "conversation", "custom", "sde", "faas"}
_DEFAULT = "__default__"


def namespaces(world: World, request: Request, found: dict[str, str]) -> Answer:
    """POST makes a namespace (again is no error), GET lists them."""
    spaces = _account(world, request, found)
    if request.method == "GET":
        return answer(200, [{"name": name, "createdAt": 0} for name in spaces])
    name = _json(request).get("name")
    if not isinstance(name, str) or not re.fullmatch(r"\w+", name, re.ASCII) or name in RESERVED:
        raise Refused(400, f"namespace {name!r} is not allowed")
    spaces.setdefault(name, {})
    return answer(204)


def drop_namespace(world: World, request: Request, found: dict[str, str]) -> Answer:
    _account(world, request, found).pop(found["ns"], None)
    return answer(204)


def properties(world: World, request: Request, found: dict[str, str]) -> Answer:
    """All properties of a session (or of the namespace itself): GET, PATCH, DELETE."""
    space = _space(world, request, found)
    session = found.get("session", _DEFAULT)
    if request.method == "PATCH":
        space.setdefault(session, {}).update(_json(request))
        return answer(204)
    if session not in space and session != _DEFAULT:
        raise Refused(404, "no such session")
    if request.method == "DELETE":
        space.pop(session, None)
        return answer(204)
    return answer(200, space.get(session, {}))


def one_property(world: World, request: Request, found: dict[str, str]) -> Answer:
    """One property: GET, PUT (any JSON value), DELETE."""
    space = _space(world, request, found)
    values = space.setdefault(found.get("session", _DEFAULT), {})
    name = found["prop"]
    if request.method == "PUT":
        try:
            values[name] = request.json()
        except ValueError as error:
            raise Refused(400, "value is not JSON") from error
        return answer(204)
    if name not in values:
        raise Refused(404, "no such property")
    if request.method == "DELETE":
        del values[name]
        return answer(204)
    return answer(200, values[name])


def session_ids(world: World, request: Request, found: dict[str, str]) -> Answer:
    names = sorted(_space(world, request, found))
    try:
        page, size = int(request.query.get("page", "0")), int(request.query.get("perPage", "100"))
    except ValueError as error:
        raise Refused(400, "page and perPage are numbers") from error
    if page < 0 or not 1 <= size <= 1000:
        raise Refused(400, "perPage is 1 to 1000")
    return answer(200, names[page * size : (page + 1) * size])


def _account(
    world: World, request: Request, found: dict[str, str]
) -> dict[str, dict[str, dict[str, Any]]]:
    account = world.account(found["acc"])
    if request.headers.get("maven-api-key") != account.keys["maven_api_key"]:
        raise Refused(401, "wrong maven-api-key")
    return account.contexts


def _space(world: World, request: Request, found: dict[str, str]) -> dict[str, dict[str, Any]]:
    spaces = _account(world, request, found)
    if found["ns"] not in spaces:
        raise Refused(404, f"no namespace {found['ns']!r}")
    return spaces[found["ns"]]


def _json(request: Request) -> dict[str, Any]:
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Refused(400, "content-type must be application/json")
    try:
        body = request.json()
    except ValueError as error:
        raise Refused(400, "body is not JSON") from error
    if not isinstance(body, dict):
        raise Refused(400, "body is not an object")
    return body
