"""The outreach API's edge: who is asking, what they sent, and every refusal in one shape.

The JWT was verified by API Gateway's authorizer, scopes of the route included; what is left is
to read its claims. Nothing a client sends decides banner, store or quota.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from ..errors import (
    BadInputError,
    ForbiddenError,
    InstoreError,
    NotAuthenticatedError,
    NotFoundError,
)
from ..model import fold_login
from . import http
from .observability import note_failure, note_refusal

if TYPE_CHECKING:
    from .services import Services

LARGEST_BODY_KB = 64
BEHALF, ADMIN = "outreach/behalf", "outreach/admin"
Response = dict[str, Any]
Model = TypeVar("Model", bound=BaseModel)


class FieldsWrongError(BadInputError):
    """A body that is JSON but not what the operation takes; `problems` names every field."""

    def __init__(self, problems: list[dict[str, str]]) -> None:
        super().__init__("some fields are wrong")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever brought the token: the associate's login name it carries, if any, its scopes, and
    the name under which the log knows them: login, application or subject."""

    login: str | None
    scopes: frozenset[str]
    name: str

    def needs(self, scope: str, *, to: str = "this") -> Caller:
        """Themselves. Raises ForbiddenError without the scope, also should a route ever be left
        open."""
        if scope not in self.scopes:
            raise ForbiddenError(f"{to} takes scope {scope}", code="scope_missing")
        return self

    def speaks_for(self, associate: str | None) -> str:
        """The login in whose name this is asked. Raises ForbiddenError.

        Naming an associate takes scope outreach/behalf, also to name oneself: a client that may
        not use the field learns so at once.
        """
        if associate is not None:
            self.needs(BEHALF, to="naming an associate")
            return associate
        if self.login is None:
            raise ForbiddenError("the token names no associate", code="unknown_associate")
        return self.login

    def may_see(self, login: str) -> bool:
        """Whether what was asked for under this login is theirs to look at; head office sees all."""
        if self.scopes & {BEHALF, ADMIN}:
            return True
        return self.login is not None and fold_login(self.login) == fold_login(login)


def caller_of(event: Mapping[str, Any], *, house: Services) -> Caller:
    """Read the verified claims. Raises NotAuthenticatedError when there are none at all: then the
    authorizer was not in front of us."""
    authorizer = (event.get("requestContext") or {}).get("authorizer") or {}
    jwt = authorizer.get("jwt") or {}
    claims = jwt.get("claims")
    if not isinstance(claims, Mapping) or not claims:
        raise NotAuthenticatedError("no verified token")
    scopes: set[str] = set(jwt.get("scopes") or ())
    for name in ("scope", "scp"):
        # API Gateway writes array claims as one text: [outreach/send outreach/read].
        scopes.update(str(claims.get(name, "")).strip("[]").replace(",", " ").split())
    login = claims.get(house.settings.associate_claim)
    # Plain ASCII, as LivePerson's logins are: a look-alike letter names nobody.
    named = (isinstance(login, str) and login.isascii() and login.strip()) or None
    name = str(named or claims.get("client_id") or claims.get("sub") or "unnamed")[:120]
    return Caller(named, frozenset(scopes), name)


def path_id(event: Mapping[str, Any]) -> str:
    """The {id} of the address; "" for one that is none of ours: ids have 40 characters at most."""
    name = str((event.get("pathParameters") or {}).get("id", ""))
    return name if len(name) <= 40 else ""


def read_body(event: Mapping[str, Any], model: type[Model]) -> Model:
    """The request's JSON as `model`. Raises TooLargeError, BadInputError, FieldsWrongError."""
    try:
        value = json.loads(http.body_of(event, most_kb=LARGEST_BODY_KB))
    except (ValueError, RecursionError) as error:
        raise BadInputError("the body is not JSON", code="malformed_json") from error
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problems = [
            {
                "where": ".".join(str(part) for part in problem["loc"]) or "body",
                "what": problem["msg"].removeprefix("Value error, "),
            }
            for problem in error.errors(include_input=False, include_url=False)
        ]
        raise FieldsWrongError(problems) from error


def idempotency_key(event: Mapping[str, Any]) -> str:
    """The Idempotency-Key header: 1-200 printable ASCII characters, mandatory."""
    headers = {str(k).lower(): v for k, v in (event.get("headers") or {}).items()}
    key = headers.get("idempotency-key")
    if not isinstance(key, str) or not key.strip():
        raise BadInputError("Idempotency-Key is missing", code="idempotency_key_missing")
    if len(key) > 200 or not (key.isascii() and key.isprintable()):
        raise BadInputError("Idempotency-Key is 1-200 printable characters",
                            code="idempotency_key_invalid")  # fmt: skip
    return key


def respond(status: int, body: BaseModel | Mapping[str, Any]) -> Response:
    """A JSON answer; what is empty is absent."""
    shown = body.model_dump(exclude_none=True) if isinstance(body, BaseModel) else dict(body)
    return http.respond(status, json.dumps(shown, separators=(",", ":")))


def dispatch(
    event: Mapping[str, Any], operations: Mapping[str, Callable[[Mapping[str, Any]], Response]]
) -> Response:
    """Run the operation of this route; every failure becomes a code and a sentence.

    The last branch is for our own mistakes: logged with a trace, shown without one.
    """
    try:
        operation = operations.get(str(event.get("routeKey")))
        if operation is None:
            raise NotFoundError("no such operation")
        return operation(event)
    except FieldsWrongError as error:
        return respond(error.status, {"code": error.public_code, "message": error.message,
                                      "details": error.problems})  # fmt: skip
    except InstoreError as error:
        note_refusal(error)
        answer = http.refuse(error)
        if error.retryable:
            answer["headers"]["retry-after"] = "1"
        return answer
    except Exception as error:  # noqa: BLE001 - the edge: a client gets a sentence, operators get the trace
        note_failure(error)
        return respond(503, {"code": "unavailable", "message": "try again in a moment"})
