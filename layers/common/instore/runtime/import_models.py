"""What the import operations take and give, as pydantic models."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import Field

from ..import_state import Columns, Import, ImportState
from .outreach_models import In, OnBehalf, Out, Route, TemplateName

Header = Annotated[str, Field(min_length=1, max_length=120, description="as the file writes it")]


class ColumnsIn(In):
    """Which header holds what. What is left out is found by well-known words (docs/import.md)."""

    phone: Header | None = None
    variables: list[Header] | None = Field(None, max_length=20, description="in template order")
    zone: Header | None = None
    postal_code: Header | None = None
    associate: Header | None = Field(None, description="logins; only with scope outreach/behalf")


class ImportIn(In):
    """A file of recipients is to come: text them with this template, or only check them."""

    template: TemplateName
    mode: Literal["check", "send"]
    columns: ColumnsIn = ColumnsIn()
    headers: list[Annotated[str, Field(max_length=200)]] | None = Field(
        None, min_length=1, max_length=200,
        description="the file's first line, if the client knows it: columns are then found at once",
    )  # fmt: skip
    associate: OnBehalf = None


class UploadOut(Out):
    """POST a multipart form here: `fields` first, the file as `file` last."""

    url: str
    fields: dict[str, str]
    most_bytes: int
    expires_at: str


class FileOut(Out):
    """Where the result can be had."""

    url: str
    expires_at: str


class ProgressOut(Out):
    """Rows done, of how many."""

    done: int
    of: int | None = None


class CountsOut(Out):
    """What became of the rows; `cost` is an estimate per currency, of what goes or will go."""

    accepted: int
    deferred: int
    blocked: dict[str, int] = Field(description="reason -> rows")
    segments: int
    cost: dict[str, str] | None = None


class FailureOut(Out):
    """Why the file as a whole was refused; nobody was texted by it unless rows are done."""

    code: str
    message: str


class ImportOut(Out):
    """An import as it stands."""

    id: str
    state: str
    mode: str
    template: str
    associate: str | None = None
    columns: dict[str, Any] = Field(description="role -> header; null = to be found in the file")
    rows: ProgressOut
    counts: CountsOut
    failure: FailureOut | None = None
    upload: UploadOut | None = None
    result: FileOut | None = None


ROUTES = (
    Route("POST /outreach/imports", "import_file", "Upload a file of recipients",
          "outreach/import", ImportIn, {201: ImportOut, 200: ImportOut},
          (400, 401, 403, 409, 413, 503), keyed=True,
          says={200: "Asked for before: how far it is", 201: "Upload the file with this form"}),
    Route("GET /outreach/imports/{id}", "look_at_import", "How far is it", "outreach/read", None,
          {200: ImportOut}, (400, 401, 403, 404, 503)),
    Route("POST /outreach/imports/{id}/send", "send_import", "Send what was checked",
          "outreach/import", None, {202: ImportOut, 200: ImportOut}, (401, 403, 404, 409, 503),
          says={200: "Sent before", 202: "Being sent",
                409: "import_not_checked: no finished check; upload_expired: checked too long ago; "
                "import_busy: others write it, ask again"}),
    Route("POST /outreach/imports/{id}/cancel", "cancel_import", "Stop what has not gone",
          "outreach/import", None, {202: ImportOut, 200: ImportOut}, (401, 403, 404, 409, 503),
          says={200: "Cancelled", 202: "Being cancelled",
                409: "import_busy: others write it, ask again"}),
)  # fmt: skip


def columns_of(asked: ColumnsIn) -> Columns:
    return Columns(
        phone=asked.phone, zone=asked.zone, postal_code=asked.postal_code,
        associate=asked.associate,
        variables=None if asked.variables is None else tuple(asked.variables),
    )  # fmt: skip


def shown(
    import_: Import, *, upload: UploadOut | None = None, result: FileOut | None = None,
    columns: dict[str, Any] | None = None,
) -> ImportOut:  # fmt: skip
    """An import for its owner. `columns`: as found in headers the client told, before there is a
    file; else as found in the file, else as asked for."""
    counts = import_.counts
    return ImportOut(
        id=import_.id, state=str(import_.state), mode=import_.mode, template=import_.template,
        associate=import_.associate, columns=columns or dict(import_.found) or asdict(import_.columns),
        rows=ProgressOut(done=counts.rows, of=import_.rows),
        counts=CountsOut(
            accepted=counts.accepted, deferred=counts.deferred, blocked=dict(counts.blocked),
            segments=counts.segments,
            cost={name: f"{amount:f}" for name, amount in counts.cost.items()} or None,
        ),
        failure=None if import_.failure is None else
        FailureOut(code=import_.failure[0], message=import_.failure[1]),
        upload=upload, result=result,
    )  # fmt: skip


def has_result(import_: Import) -> bool:
    """Whether the result file of the present mode was written."""
    ended = (ImportState.DONE, ImportState.CHECKED, ImportState.CANCELLED)
    return import_.places is not None and import_.state in ended
