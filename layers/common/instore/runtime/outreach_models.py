"""What the outreach API takes and gives, as pydantic models; the OpenAPI document follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ..batch import Batch, BatchState, Row, RowState
from ..model import POSTAL_CODE, iso, maybe_iso
from ..reasons import why
from ..wall_clock import find_zone

Number = Annotated[
    str, Field(min_length=1, max_length=40, description="E.164 or as people type it")
]
Login = Annotated[str, Field(min_length=1, max_length=254)]
Zone = Annotated[str, Field(min_length=1, max_length=60, description="IANA zone of the customer")]
PostalCode = Annotated[str, Field(pattern=f"^{POSTAL_CODE}$")]
TemplateName = Annotated[str, Field(min_length=1, max_length=81)]
Variable = Annotated[str, Field(max_length=1550)]
OnBehalf = Annotated[Login | None, Field(description="login name; only with scope outreach/behalf")]


class In(BaseModel):
    """Closed and strict: an unknown field or a number for a text is a mistake worth telling, without
    what was sent."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True,
    )  # fmt: skip


class Located(In):
    """Where the customer may be."""

    zone: Zone | None = None
    postal_code: PostalCode | None = None

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None and find_zone(value) is None:
            raise ValueError("not an IANA time zone")
        return value


class RecipientIn(Located):
    """One customer, and the template's variables in order."""

    phone: Number
    variables: list[Variable] = Field([], max_length=20)


class OutreachIn(In):
    """Text these customers with this template."""

    template: TemplateName
    recipients: list[RecipientIn]
    associate: OnBehalf = None


class CheckIn(Located):
    """May I text this customer now? With `template` and `variables`, also what it would cost."""

    phone: Number
    template: TemplateName | None = None
    variables: list[Variable] | None = Field(None, max_length=20)
    associate: OnBehalf = None

    @model_validator(mode="after")
    def _variables_of_something(self) -> CheckIn:
        if self.variables is not None and self.template is None:
            raise ValueError("variables belong to a template")
        return self


class ConsentIn(Located):
    """What a customer agreed to, in which words, and how it was given. `none` = opted out."""

    model_config = ConfigDict(populate_by_name=True)
    phone: Number
    consent_class: Literal["one_to_one", "marketing", "none"] = Field(alias="class")
    wording: str = Field(min_length=1, max_length=2000)
    method: str = Field(min_length=1, max_length=60, description="e.g. web_form, in_store, text")
    evidence: str | None = Field(None, max_length=500)
    banner: str | None = Field(None, max_length=81, description="only with scope outreach/behalf")
    associate: OnBehalf = None


class Out(BaseModel):
    """Closed as well. What cannot be shown is an error in the log, without what was to be shown."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class RowOut(Out):
    """The verdict on one recipient, by place in the request."""

    n: int
    status: str
    reason: str | None = None
    until: str | None = Field(None, description="next legal instant, UTC")
    rule: str | None = None
    segments: int = 0
    phone: str | None = Field(None, description="masked; only in GET")


class BatchOut(Out):
    """A batch as it was taken."""

    id: str
    state: str
    rows: list[RowOut]
    remaining_today: int


class StandingRowOut(RowOut):
    """How one recipient stands, and why, in a sentence."""

    why: str
    advice: str | None = Field(None, description="what a person should do about it")
    first_status: str | None = Field(None, description="the first answer, if it changed since")
    first_until: str | None = None
    first_rule: str | None = None
    chunk: str | None = Field(None, description="our name of the vendor call")
    campaign: str | None = Field(None, description="LivePerson's id of that call")


class StandingOut(Out):
    """A batch as it stands: who asked for it and when, by which program, and each row explained."""

    id: str
    state: str
    rows: list[StandingRowOut]
    remaining_today: int
    associate: str
    account: str
    agent_id: str
    banner: str
    template: str
    program: int = Field(description="version of the program when it was taken")
    accepted_at: str
    day: str = Field(description="the store's date on which it counts")


class LimitOut(BatchOut):
    """Nothing was taken because the associate's day is used up."""

    code: Literal["daily_limit_reached"] = "daily_limit_reached"
    message: str = "today's texts of this associate are used up"
    until: str


class CheckOut(Out):
    """Whether a text would be taken now; if not, why and from when on."""

    allowed: bool
    reason: str | None = None
    until: str | None = None
    rule: str | None = None
    remaining_today: int
    characters: int | None = Field(None, description="of the finished text")
    encoding: Literal["GSM-7", "UCS-2"] | None = None
    segments: int | None = Field(None, description="parts that are billed")


class ConsentOut(Out):
    """Where the entry stands in the customer's ledger."""

    customer: str
    entry: int


class ProblemOut(Out):
    """One wrong field."""

    where: str
    what: str


class ErrorOut(Out):
    """Every refusal: a stable code, a sentence, and the wrong fields if it is about fields."""

    code: str
    message: str
    details: list[ProblemOut] | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One operation as the API and its description know it: `name` is verb_noun; `says` tells of a
    status what is particular to this operation, `query` of a login what it is for; `keyed` ones take
    an Idempotency-Key."""

    key: str
    name: str
    summary: str
    scope: str
    takes: type[BaseModel] | None
    gives: dict[int, type[BaseModel]]
    refuses: tuple[int, ...]
    says: Mapping[int, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    keyed: bool = False


ROUTES = (
    Route("POST /outreach", "send_texts", "Text these customers", "outreach/send", OutreachIn,
          {202: BatchOut, 200: BatchOut, 429: LimitOut}, (400, 401, 403, 409, 413, 503), keyed=True,
          says={200: "Nothing goes; each row says why",
                202: "Taken; each row says whether it goes, and when",
                429: "Nothing was taken: the associate's day is used up"}),
    Route("GET /outreach/{id}", "look_at_batch", "How did it go, and why", "outreach/read", None,
          {200: StandingOut}, (400, 401, 403, 404, 503)),
    Route("POST /outreach/check", "check_customer", "May I text this customer now", "outreach/read",
          CheckIn, {200: CheckOut}, (400, 401, 403, 413, 503)),
    Route("POST /consents", "record_consent", "Record what a customer agreed to",
          "outreach/consent", ConsentIn, {201: ConsentOut}, (400, 401, 403, 413, 503)),
)  # fmt: skip


def taken(batch: Batch) -> BatchOut:
    """The answer to POST: verdicts as first given, however far the batch has come since."""
    rows = [_verdict(row) for row in batch.rows]
    statuses = {row.status for row in rows}
    state = next((s for s in (RowState.ACCEPTED, RowState.DEFERRED) if s in statuses),
                 BatchState.CLOSED)  # fmt: skip
    return BatchOut(id=batch.id, state=str(state), rows=rows, remaining_today=batch.remaining)


def only_the_limit(batch: Batch) -> datetime | None:
    """When the day's limit alone kept everything back: the instant it begins anew."""
    if batch.rows and all(row.reason == "daily_limit" for row in batch.rows):
        return batch.rows[0].until
    return None


def standing(batch: Batch) -> StandingOut:
    """The answer to GET: states as they are now and why, numbers masked."""
    return StandingOut(
        id=batch.id, state=str(batch.state), rows=[_standing(row, batch) for row in batch.rows],
        remaining_today=batch.remaining, associate=batch.login, account=batch.pointer.account,
        agent_id=batch.pointer.agent_id, banner=batch.banner, template=batch.template,
        program=batch.program, accepted_at=iso(batch.accepted_at), day=batch.day,
    )  # fmt: skip


def _standing(row: Row, batch: Batch) -> StandingRowOut:
    told, first = why(row), _verdict(row)
    changed = first.status if first.status != str(row.state) and row.first is not None else None
    return StandingRowOut(
        n=row.n, status=str(row.state), segments=row.segments, phone=row.shown, **_why(row),
        why=told.why, advice=told.advice, first_status=changed,
        first_until=first.until if changed else None, first_rule=first.rule if changed else None,
        chunk=row.chunk, campaign=batch.campaigns.get(row.chunk or ""),
    )  # fmt: skip


def _verdict(row: Row) -> RowOut:
    if not row.was_taken:
        return RowOut(n=row.n, status="blocked", reason=row.reason, until=_until(row.until),
                      rule=row.rule, segments=row.segments)  # fmt: skip
    until, rule = row.answered
    if until is None:
        return RowOut(n=row.n, status="accepted", segments=row.segments)
    return RowOut(n=row.n, status="deferred", reason="outside_window", until=_until(until),
                  rule=rule, segments=row.segments)  # fmt: skip


def _why(row: Row) -> dict[str, str | None]:
    """Why a row stands where it does."""
    if not row.reason_stands:
        return {}
    return {"reason": row.reason, "until": _until(row.until), "rule": row.rule}


def _until(instant: datetime | None) -> str | None:
    """Whole seconds, as the table keeps them: the first answer and its repetition are equal."""
    return maybe_iso(instant and instant.replace(microsecond=0))
