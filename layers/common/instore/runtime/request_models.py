"""What the operations on service requests take and give; the OpenAPI document follows."""

from __future__ import annotations

from typing import Annotated, Literal
from unicodedata import category

from pydantic import AfterValidator, Field, model_validator

from ..model import iso, maybe_iso
from ..reasons import sentence
from ..service_request import MOST_ASKED, Reply, ServiceRequest, Told
from .outreach_models import In, Located, Login, Number, Out, Route

CREATE, READ, ANSWER = "requests/create", "requests/read", "requests/answer"
Address = Annotated[str, Field(min_length=8, max_length=2048, description="https://…")]


def _on_one_line(text: str) -> str:
    """Without what would begin a line or say something to a machine: a name is handed on to mails."""
    return "".join(" " if category(c) in ("Cc", "Zl", "Zp") else c for c in text).strip()


OneLine = Annotated[str, AfterValidator(_on_one_line)]


class ConsentGivenIn(Located):
    """What the customer agreed to by asking for texts, in the words they saw."""

    wording: str = Field(pattern=r"\S", max_length=2000)


class RequestIn(In):
    """A customer asks for help. From the widget it is a store's, else an associate's."""

    source: Literal["widget", "storefront", "footer"]
    by: Literal["text", "email"] = Field(description="how the customer wants to be answered")
    store: str | None = Field(None, min_length=1, max_length=60, description="agent group, or "
                              "<account>/<group>; widget: mandatory, else for an associate who "
                              "is not known any more")  # fmt: skip
    associate: Login | None = Field(None, description="login name; whose storefront or footer")
    name: OneLine = Field("", max_length=120)
    phone: Number | None = None
    email: str | None = Field(None, min_length=3, max_length=254)
    message: str = Field(pattern=r"\S", max_length=4000)
    page: OneLine = Field("", max_length=2048, description="where the customer was")
    language: str | None = Field(None, pattern=r"^[a-z]{2}(-[A-Z]{2})?$")
    consent: ConsentGivenIn | None = Field(None, description="mandatory for an answer by text")

    @model_validator(mode="after")
    def _whose(self) -> RequestIn:
        if self.source == "widget" and self.store is None:
            raise ValueError("a request from the widget names its store")
        if self.source != "widget" and self.associate is None:
            raise ValueError("a request from a storefront or footer names its associate")
        return self


class LinkIn(In):
    """A product page; on a host that the program lists."""

    url: Address
    title: OneLine = Field("", max_length=200)


class ReplyIn(In):
    """An associate's answer. It goes the way the customer asked to be answered."""

    text: str = Field("", max_length=1600, description="addresses in it as in `links`")
    links: list[LinkIn] = Field([], max_length=10)
    media: list[Address] = Field([], max_length=10, description="photos and assets")


class ConfirmationOut(Out):
    """How the confirmation text stands."""

    state: str
    reason: str | None = None
    why: str | None = Field(None, description="the reason in a sentence")
    until: str | None = None


class TakenOut(Out):
    """A request as it was taken, for the brand's site."""

    id: str
    by: str
    shelf: str = Field(description="new_leads, team_requests, or my_requests of an associate")
    created_at: str
    confirmation: ConfirmationOut | None = Field(None, description="of an answer by text only")


class RequestOut(Out):
    """A request for the associates who may see it. Number and address are masked: answers go
    through here."""

    id: str
    source: str
    by: str
    state: Literal["open", "taken", "answered"]
    shelf: str
    banner: str
    store: str = Field(description="<account>/<group> it was submitted to")
    created_at: str
    name: str | None = None
    phone: str | None = None
    email: str | None = None
    message: str | None = None
    page: str | None = None
    language: str | None = None
    agent_id: str | None = Field(None, description="who has it")
    mine: bool
    taken_at: str | None = None
    replied_at: str | None = Field(None, description="the first answer")
    confirmation: ConfirmationOut | None = None


class PageOut(Out):
    """A page of a list; `next` is where the next one begins."""

    requests: list[RequestOut]
    next: str | None = None


class RequestsOut(Out):
    """New Leads of my store, my team's Customer Requests, and my own; of one list if one is named."""

    new_leads: PageOut | None = None
    team_requests: PageOut | None = None
    my_requests: PageOut | None = None


class LinkOut(Out):
    """A product page."""

    url: str
    title: str | None = None


class ReplyOut(Out):
    """An answer and how it stands: asked (on its way), sent or refused."""

    id: str
    at: str
    by: str
    associate: str = Field(description="login name")
    state: str
    reason: str | None = None
    why: str | None = None
    delivery: str | None = Field(None, description="of a text: what the carrier said last")
    until: str | None = Field(None, description="when a text that waits for its hours goes")
    text: str | None = None
    links: list[LinkOut]
    media: list[str]


class WholeRequestOut(RequestOut):
    """A request with what was answered, oldest first."""

    replies: list[ReplyOut]


_CLAIMED = "already_claimed: a colleague has it"
ROUTES = (
    Route("POST /requests", "submit_request", "A customer asks for help", CREATE, RequestIn,
          {201: TakenOut, 200: TakenOut}, (400, 401, 403, 409, 413, 429, 503), keyed=True,
          says={201: "Taken", 200: "Taken before: how it stands", 403: "Scope is missing",
                429: f"asked_too_often: {MOST_ASKED} requests by text with this number in 24 hours",
                409: "The Idempotency-Key came with another body before; line_off or mail_off: the "
                "program does not offer it"}),
    Route("GET /requests", "list_requests", "My leads and requests", READ, None,
          {200: RequestsOut}, (400, 401, 403, 503),
          query={"list": "one of new_leads, team_requests, my_requests; unset = all",
                 "after": "`next` of the page before, of that list"}),
    Route("GET /requests/{id}", "look_at_request", "One request, and its answers", READ, None,
          {200: WholeRequestOut}, (400, 401, 403, 404, 503)),
    Route("POST /requests/{id}/claim", "claim_request", "This one is mine", ANSWER, None,
          {200: RequestOut}, (401, 403, 404, 409, 503), says={409: _CLAIMED}),
    Route("POST /requests/{id}/reply", "answer_request", "Answer the customer", ANSWER, ReplyIn,
          {202: ReplyOut, 200: ReplyOut}, (400, 401, 403, 404, 409, 413, 503), keyed=True,
          says={202: "Taken; it is on its way", 200: "It was handed over, or cannot go: see `state`",
                409: "The Idempotency-Key came with another body before; not_claimed: claim it "
                f"first; {_CLAIMED}; a reason why this customer may not be texted"}),
)  # fmt: skip


def taken(request: ServiceRequest) -> TakenOut:
    """For the brand's site: nothing about associates."""
    return TakenOut(id=request.id, by=request.by.value, shelf=request.shelf.value,
                    created_at=iso(request.created_at), confirmation=_told(request))  # fmt: skip


def shown(request: ServiceRequest, *, mine: bool) -> RequestOut:
    return RequestOut(
        id=request.id, source=request.source.value, by=request.by.value,
        state=request.state.value, shelf=request.shelf.value, banner=request.banner,
        store=f"{request.account}/{request.group}", created_at=iso(request.created_at),
        name=request.name or None, phone=request.phone and request.phone.masked,
        email=request.email and request.email.masked, message=request.message or None,
        page=request.page or None, language=request.language,
        agent_id=request.pointer and request.pointer.agent_id, mine=mine,
        taken_at=maybe_iso(request.taken_at), replied_at=maybe_iso(request.replied_at),
        confirmation=_told(request),
    )  # fmt: skip


def whole(request: ServiceRequest, *, mine: bool, replies: list[ReplyOut]) -> WholeRequestOut:
    return WholeRequestOut(**shown(request, mine=mine).model_dump(), replies=replies)


def shown_reply(reply: Reply, *, delivery: Told | None) -> ReplyOut:
    """`delivery`: of a text, as far as it is known."""
    return ReplyOut(
        id=reply.id, at=iso(reply.at), by=reply.by.value, associate=reply.login,
        state=reply.state.value, reason=reply.reason or None,
        why=sentence(reply.reason) if reply.reason else None,
        delivery=delivery.state if delivery else None,
        until=maybe_iso(delivery.until) if delivery else None, text=reply.words or None,
        links=[LinkOut(url=one.url, title=one.title or None) for one in reply.links],
        media=list(reply.media),
    )  # fmt: skip


def _told(request: ServiceRequest) -> ConfirmationOut | None:
    if request.by.value != "text":
        return None
    told = request.confirmed or Told("intended")
    return ConfirmationOut(state=told.state, reason=told.reason or None,
                           why=sentence(told.reason) if told.reason else None,
                           until=maybe_iso(told.until))  # fmt: skip
