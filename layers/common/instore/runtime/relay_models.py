"""What the operations on relay numbers take and give, as pydantic models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ..model import iso, maybe_iso
from ..relay_asking import LONGEST_LOGIN, LONGEST_STORE, MOST_STORES
from ..relay_report import Report, sentence
from ..relay_run import MOST_ROWS, Run
from ..relay_state import Activation
from .outreach_models import In, Number, Out, Route

ADMIN, READ = "relay:admin", "relay:read"
Login = Annotated[str, Field(min_length=1, max_length=LONGEST_LOGIN)]
Group = Annotated[str, Field(min_length=1, max_length=LONGEST_STORE, description="agent group, or "
                             "<account>/<group>")]  # fmt: skip
DryRun = Annotated[bool, Field(description="only say what would be done, and why not")]


class ActivateIn(In):
    """Give these associates a number each: by login, by store (everybody enabled there), or a small
    file with a column `login` or `store`."""

    logins: list[Login] = Field([], max_length=MOST_ROWS)
    stores: list[Group] = Field([], max_length=MOST_STORES)
    csv: str | None = Field(None, min_length=1, max_length=60_000, description="the file's text")
    dry_run: DryRun = False

    @model_validator(mode="after")
    def _one_of_them(self) -> ActivateIn:
        if sum((bool(self.logins), bool(self.stores), self.csv is not None)) != 1:
            raise ValueError("either logins, stores or csv")
        return self


class _HeldIn(In):
    logins: list[Login] = Field([], max_length=100)
    numbers: list[Number] = Field([], max_length=100)
    dry_run: DryRun = False

    @model_validator(mode="after")
    def _somebody(self) -> _HeldIn:
        if not self.logins and not self.numbers:
            raise ValueError("logins or numbers")
        return self


class DeactivateIn(_HeldIn):
    """Take these numbers out of use; customers go to `successor`, else to the store's manager."""

    successor: Login | None = None


class ReleaseIn(_HeldIn):
    """Give these numbers back to Twilio, for good. `force`: also before the quarantine ends."""

    force: bool = False


class OrphansIn(In):
    """Look for numbers bought for nobody. Only with `dry_run` false are they adopted or released."""

    dry_run: DryRun = True


class DeedOut(Out):
    """What happened to a number, when and by whom."""

    state: str
    at: str
    by: str


class LineOut(Out):
    """An associate's relay number."""

    login: str
    state: str
    since: str
    number: str | None = None
    banner: str


class HeldLineOut(LineOut):
    """The same with what an administrator needs."""

    account: str
    group: str
    agent_id: str
    by: str
    service: str | None = None
    successor: str | None = Field(None, description="<account>/<agent id> of who has the customers")
    free_at: str | None = Field(None, description="end of the quarantine")
    out_of_service: bool = Field(False, description="Twilio no longer sends from it")
    history: list[DeedOut]


class ReportOut(Out):
    """What became of one row."""

    name: str = Field(description="login, or the number that was named")
    outcome: Literal["done", "already", "would", "pending", "refused"]
    reason: str | None = None
    why: str | None = Field(None, description="the reason in a sentence")
    state: str | None = None
    number: str | None = Field(None, description="in a dry run: one that could be bought now")
    near: str | None = Field(
        None, description="area_code | neighbour | nearby | postal_code | region"
    )
    place: str | None = None
    until: str | None = None
    twilio_code: int | None = None


class RunProgressOut(Out):
    """Rows that had their first turn, of how many; `pending` ones are tried again by themselves."""

    done: int
    of: int
    pending: int


class RunFailureOut(Out):
    """What stopped the run: it would have stopped every row."""

    code: str
    message: str


class RunOut(Out):
    """A run as it stands."""

    id: str
    kind: str
    state: str
    dry_run: bool
    by: str
    created_at: str
    rows: RunProgressOut
    counts: dict[str, int] = Field(description="outcome, or the reason of a refusal -> rows")
    failure: RunFailureOut | None = None
    reports: list[ReportOut]


_MISSING = {403: "Scope relay:admin is missing"}
_TAKEN = {202: "Being worked on", 200: "Asked for before: how far it is", **_MISSING}
_BUSY = (400, 401, 403, 404, 409, 413, 503)
ROUTES = (
    Route("POST /relay/activate", "activate_numbers", "Give associates numbers of their own", ADMIN,
          ActivateIn, {202: RunOut, 200: RunOut}, _BUSY, keyed=True,
          says={**_TAKEN, 404: "unknown_store"}),
    Route("POST /relay/deactivate", "deactivate_numbers", "Take numbers out of use", ADMIN,
          DeactivateIn, {202: RunOut, 200: RunOut}, _BUSY, keyed=True,
          says={**_TAKEN, 404: "unknown_associate: nobody has the successor's login"}),
    Route("POST /relay/release", "release_numbers", "Give numbers back for good", ADMIN, ReleaseIn,
          {202: RunOut, 200: RunOut}, (400, 401, 403, 409, 413, 503), keyed=True, says=_TAKEN),
    Route("POST /relay/orphans", "settle_orphans", "Find numbers bought for nobody", ADMIN,
          OrphansIn, {202: RunOut, 200: RunOut}, (400, 401, 403, 409, 413, 503), keyed=True,
          says=_TAKEN),
    Route("GET /relay/runs/{id}", "look_at_run", "How far is it", ADMIN, None, {200: RunOut},
          (400, 401, 403, 404, 503), says=_MISSING),
    Route("GET /relay/mine", "show_own_number", "My relay number", READ, None, {200: LineOut},
          (400, 401, 403, 404, 503)),
    Route("GET /relay/{login}", "show_number", "An associate's relay number", ADMIN, None,
          {200: HeldLineOut}, (400, 401, 403, 404, 503), says=_MISSING),
)  # fmt: skip


def shown_line(held: Activation) -> LineOut:
    """A number for its user."""
    return LineOut(**_line(held))


def shown_held(held: Activation, *, lost: bool) -> HeldLineOut:
    """A number for an administrator."""
    where, successor = held.pointer, held.successor
    return HeldLineOut(
        **_line(held), account=where.account, group=where.group, agent_id=where.agent_id,
        by=held.by, service=held.service, free_at=maybe_iso(held.free_at), out_of_service=lost,
        successor=successor and f"{successor.account}/{successor.agent_id}",
        history=[DeedOut(state=str(d.state), at=iso(d.at), by=d.by) for d in held.history],
    )  # fmt: skip


def _line(held: Activation) -> dict[str, str | None]:
    return {"login": held.login, "state": str(held.state), "since": iso(held.since),
            "banner": held.banner, "number": held.number.e164 if held.number else None}  # fmt: skip


def shown_run(run: Run, *, reports: list[tuple[str, Report]]) -> RunOut:
    failure = run.failure
    return RunOut(
        id=run.id, kind=str(run.kind), state=str(run.state), dry_run=run.dry, by=run.by,
        created_at=iso(run.created_at), counts=dict(run.counts),
        rows=RunProgressOut(done=run.done, of=run.total, pending=len(run.again)),
        failure=None if failure is None else RunFailureOut(code=failure[0], message=failure[1]),
        reports=[_report(name, report) for name, report in reports],
    )  # fmt: skip


def _report(name: str, report: Report) -> ReportOut:
    return ReportOut(
        name=name, outcome=report.outcome.value, reason=report.why,
        why=None if report.why is None else sentence(report.why),
        state=None if report.state is None else str(report.state),
        number=report.number.e164 if report.number else None, near=report.near,
        place=report.place, until=maybe_iso(report.again_at), twilio_code=report.code,
    )  # fmt: skip
