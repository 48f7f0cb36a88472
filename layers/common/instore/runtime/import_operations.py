"""The operations on imports: give out the form, tell how far it is, send what was checked, cancel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from ..batch import KEPT
from ..errors import BadInputError, ConflictError, KeyReusedError, NotFoundError
from ..import_columns import find_columns, understood
from ..import_state import (
    MAX_BYTES,
    PAGE_ROWS,
    SEND_WITHIN,
    UPLOAD_WITHIN,
    Import,
    ImportState,
    import_id,
)
from ..importing import variables_of
from ..model import as_stored, fingerprint, fold_login, iso
from ..outreach import find_asker
from .http import query_of
from .import_models import FileOut, ImportIn, UploadOut, columns_of, has_result, shown
from .observability import logger
from .outreach_http import (
    BEHALF,
    Caller,
    Response,
    caller_of,
    idempotency_key,
    path_id,
    read_body,
    respond,
)
from .services import Services, services

Event = Mapping[str, Any]
_TRIES = 3
_LINK_FOR = timedelta(minutes=15)


def import_file(event: Event) -> Response:
    """POST /outreach/imports: what is to come is written down, and the form to upload it with is
    given out. The same key and body again: the same import, with a form as long as it waits."""
    house, now = services(), services().now()
    caller = caller_of(event, house=house)
    key = idempotency_key(event)
    asked = read_body(event, ImportIn)
    associate = _associate(caller, asked)
    fresh = _new_import(asked, caller=caller, associate=associate, key=key, house=house)
    variables = variables_of(asked.template, associate=associate, stores=house.stores,
                             program=house.programs.current())  # fmt: skip
    columns = _columns(asked, fresh=fresh, variables=variables)
    stored = house.imports.create(fresh, now=now)
    if stored is not None and stored.fingerprint != fresh.fingerprint:
        raise KeyReusedError
    found = stored or fresh
    if stored is None:
        logger.info("Import opened", extra={"import": found.id, "mode": found.mode})
    if found.state is not ImportState.AWAITING:
        return respond(200, _shown(found, house))
    return respond(201, shown(found, upload=_upload(found, house), columns=columns))


def look_at_import(event: Event) -> Response:
    """GET /outreach/imports/{id}: how far it is, to who asked for it. 404 otherwise."""
    query_of(event)
    house = services()
    return respond(200, _shown(_own(event, house), house))


def send_import(event: Event) -> Response:
    """POST /outreach/imports/{id}/send: the dry run was right, now in earnest, on the same bytes.
    Again: no harm, and a lost message is sent again."""
    house = services()
    return _on_its_way(_move(event, house, lambda found: _sent(found, now=house.now())), house)


def cancel_import(event: Event) -> Response:
    """POST /outreach/imports/{id}/cancel: whatever has not gone yet does not go. Again: no harm."""
    house = services()
    return _on_its_way(_move(event, house, _cancelled), house)


OPERATIONS: dict[str, Callable[[Event], Response]] = {
    "POST /outreach/imports": import_file,
    "GET /outreach/imports/{id}": look_at_import,
    "POST /outreach/imports/{id}/send": send_import,
    "POST /outreach/imports/{id}/cancel": cancel_import,
}


def _associate(caller: Caller, asked: ImportIn) -> str | None:
    """In whose name the whole file is, or None when each row says it itself: for that, head office
    names the column, or has no login of its own and names nobody."""
    if asked.columns.associate is not None:
        caller.needs(BEHALF, to="a column of associates")
        if asked.associate is not None:
            raise BadInputError("either one associate or a column of them", code="associate_twice")
        return None
    if asked.associate is None and caller.login is None and BEHALF in caller.scopes:
        return None
    return fold_login(caller.speaks_for(asked.associate))


def _new_import(
    asked: ImportIn, *, caller: Caller, associate: str | None, key: str, house: Services
) -> Import:
    program, now = house.programs.current(), house.now()
    if associate is None:
        limits = [banner.outreach for banner in program.banners]
    else:
        limits = [find_asker(associate, program=program, stores=house.stores).banner.outreach]
    owner = fold_login(caller.login or "")
    at = as_stored(now)
    return Import(
        id=import_id(owner, key=key), owner=owner, associate=associate, template=asked.template,
        columns=columns_of(asked.columns), mode=asked.mode,
        fingerprint=fingerprint([associate, asked.model_dump(exclude={"headers", "associate"})]),
        size=min(limit.recipients_per_batch for limit in limits),
        limit=min(limit.import_rows for limit in limits), page_rows=PAGE_ROWS,
        created_at=at, expires_at=at.replace(microsecond=0) + KEPT,
    )  # fmt: skip


def _columns(asked: ImportIn, *, fresh: Import, variables: int | None) -> dict[str, Any] | None:
    """Which header holds what, if the client knows the headers. Raises BadInputError for columns
    that cannot be the template's; `variables` it takes, None = that differs by associate."""
    if asked.headers is not None:
        places = find_columns(asked.headers, asked=fresh.columns, variables=variables,
                              by_associate=fresh.associate is None)  # fmt: skip
        return understood(asked.headers, places)
    named = asked.columns.variables
    if named is not None and variables not in (None, len(named)):
        raise BadInputError(f"the template takes {variables} variables", code="variables_wrong")
    return None


def _upload(import_: Import, house: Services) -> UploadOut:
    """The form to upload the file with."""
    form = house.import_files.upload_form(import_.upload_key, most_bytes=MAX_BYTES,
                                          seconds=int(UPLOAD_WITHIN.total_seconds()))  # fmt: skip
    return UploadOut(url=form.url, fields=form.fields, most_bytes=MAX_BYTES,
                     expires_at=iso(house.now() + UPLOAD_WITHIN))  # fmt: skip


def _own(event: Event, house: Services) -> Import:
    """The import of this request, for its owner. Raises NotFoundError also for who may not know."""
    caller = caller_of(event, house=house)
    name = path_id(event)
    found = house.imports.get(name) if name else None
    if found is None or found.expires_at < house.now() or not caller.may_see(found.owner):
        raise NotFoundError("no such import", code="unknown_import")
    return found


def _move(event: Event, house: Services, change: Callable[[Import], Import | None]) -> Import:
    """The caller's import after `change`, which gives the next one, None for one that is there
    already, or raises. Raises ConflictError when others write every time."""
    for _ in range(_TRIES):
        found = _own(event, house)
        wanted = change(found)
        if wanted is None:
            return found
        saved = house.imports.save(wanted)
        if saved is not None:
            return saved
    raise ConflictError("the import keeps changing: ask again", code="import_busy")


def _sent(found: Import, *, now: datetime) -> Import | None:
    if found.sends and found.state in (ImportState.RUNNING, ImportState.DONE):
        return None
    if found.state is not ImportState.CHECKED:
        raise ConflictError("this import is not a finished check", code="import_not_checked")
    if now > found.created_at + SEND_WITHIN:
        raise ConflictError("the file is too old: upload it again", code="upload_expired")
    return found.sending()


def _cancelled(found: Import) -> Import | None:
    ended = found.state in (ImportState.CANCELLING, ImportState.CANCELLED)
    return None if ended else found.cancelled()


def _on_its_way(import_: Import, house: Services) -> Response:
    """200 for what is over; else 202, and a message for who works on it: also one that was lost."""
    if import_.state in (ImportState.DONE, ImportState.CANCELLED):
        return respond(200, _shown(import_, house))
    house.queues.import_ready(import_.id)
    return respond(202, _shown(import_, house))


def _shown(import_: Import, house: Services) -> Any:
    if not has_result(import_):
        return shown(import_)
    url = house.import_files.link(import_.result_key, name=f"{import_.id}-{import_.mode}.csv",
                                  seconds=int(_LINK_FOR.total_seconds()))  # fmt: skip
    return shown(import_, result=FileOut(url=url, expires_at=iso(house.now() + _LINK_FOR)))
