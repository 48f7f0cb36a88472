"""Why something deliberately failed, and what its caller may do about it.

Every deliberate error carries `retryable` (may the same call be tried again unchanged) and
`public_code` (a stable word a client or an operator can act on). Expected outcomes, such as
a duplicate event or a deferred text, are return values and not errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .carrier_codes import Effect
    from .roster import Problem


class InstoreError(Exception):
    """Root of all deliberate errors. `message` is safe to show: no phone number, no text body.
    `told` are fields for the log alone, of which the caller hears nothing."""

    public_code = "internal"
    status = 500
    retryable = False
    told: Mapping[str, str] = MappingProxyType({})

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.public_code = code


class BadInputError(InstoreError):
    """The caller sent something we refuse; the same request will be refused again."""

    public_code = "bad_request"
    status = 400


class TooLargeError(BadInputError):
    """A body beyond the documented size."""

    public_code = "too_large"
    status = 413


class NotAuthenticatedError(InstoreError):
    """No token or signature, or one that does not verify."""

    public_code = "not_authenticated"
    status = 401


class ForbiddenError(InstoreError):
    """A genuine caller asks for something that is not theirs."""

    public_code = "forbidden"
    status = 403


class NotFoundError(InstoreError):
    """Unknown bot, environment, conversation, batch or customer."""

    public_code = "not_found"
    status = 404


class ConflictError(InstoreError):
    """The thing exists already in another form, or somebody else is at it."""

    public_code = "conflict"
    status = 409


class KeyReusedError(ConflictError):
    """An Idempotency-Key comes once more, with another body."""

    public_code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key came with another body before")


class TooOftenError(InstoreError):
    """A bound that protects somebody is reached: the same call passes when time has gone by."""

    public_code = "too_often"
    status = 429


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong field: where (a path such as `banners[2].outbound_number`) and what is wrong."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class ProgramError(BadInputError):
    """A program document that does not validate; `problems` names every wrong field."""

    public_code = "program_invalid"
    status = 422

    def __init__(self, problems: list[FieldProblem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


class RosterError(BadInputError):
    """A roster file that cannot be used; the last good map stays in force."""

    public_code = "roster_invalid"


class UnavailableError(InstoreError):
    """Something we depend on did not answer; nothing was done, the call may be repeated."""

    public_code = "unavailable"
    status = 503
    retryable = True


class ContendedError(UnavailableError):
    """Somebody else's transaction touched the same items at that moment; nothing was done, and the
    same call can be repeated at once."""


class UnknownSecretError(UnavailableError):
    """There is no such secret: for a name that a stranger may have chosen, simply an unknown one."""

    public_code = "secret_unavailable"


class VendorError(InstoreError):
    """A vendor refused or failed in a way that retrying now cannot heal.

    `processed` is False when the vendor certainly did nothing and None when nobody can know: a
    send that failed with None may never be repeated. `vendor_status` is the HTTP status of the
    answer, if there was one; `retry_after` the seconds the vendor asked us to wait, if it did.
    """

    public_code = "vendor_refused"
    status = 502
    processed: bool | None = False

    def __init__(
        self, message: str, *, code: str | None = None, vendor_status: int | None = None,
        retry_after: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message, code=code)
        self.vendor_status = vendor_status
        self.retry_after = retry_after


class VendorUnavailableError(VendorError):
    """Time-out, connection lost or 5xx. For a read: no information. For a send: unknown."""

    public_code = "vendor_unavailable"
    retryable = True
    processed: bool | None = None


class VendorNotReachedError(VendorUnavailableError):
    """The request was never sent: no connection, no token or no address. Certainly not processed.

    Catch it before VendorUnavailableError: this one may be repeated even for a send.
    """

    processed = False


class VendorThrottledError(VendorError):
    """HTTP 429: the vendor did not process the call; wait at least a second.

    Source: LivePerson developer center, APIGuidelines/retry-policy-recommendations.
    """

    public_code = "vendor_throttled"
    retryable = True


class VendorGarbageError(VendorError):
    """An answer that is not JSON or fails its schema: no information, never a yes (I12).

    For a send: unknown, as for VendorUnavailableError.
    """

    public_code = "vendor_garbage"
    processed = None


class VendorNotAuthorizedError(VendorError):
    """401 or 403 after the token was renewed once: our credentials are wrong."""

    public_code = "vendor_not_authorized"


class TwilioRefusedError(VendorError):
    """Twilio understood and said no: nothing was sent, bought or changed.

    `code` is Twilio's own (None when it gave none); `effect` says what follows from it for
    customer, sender or batch, from the one table in carrier_codes.py.
    """

    public_code = "twilio_refused"

    def __init__(
        self, *, code: int | None, effect: Effect, retryable: bool = False,
        vendor_status: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__("Twilio refused the request", vendor_status=vendor_status)
        self.code, self.effect, self.retryable = code, effect, retryable


class MappingRefusedError(InstoreError):
    """A pull that would drop too many agents at once; the map was left as it was. `problems`: the
    rows and people it left out, as often the reason."""

    public_code = "mapping_would_drop_agents"
    status = 409

    def __init__(self, message: str, *, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems
