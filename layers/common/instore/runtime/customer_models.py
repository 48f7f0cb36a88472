"""What the operations on a customer's data take and give; the OpenAPI document follows."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from .outreach_models import In, Number, Out, Route

Country = Annotated[
    str,
    Field("US", pattern=r"^[A-Z]{2}$", description="assumed when the number has no + (ISO 3166)"),
]


class CustomerIn(In):
    """Whose data: the number is in the body, never in an address. `email` for whoever asked for
    answers by e-mail and gave no number."""

    phone: Number | None = None
    email: str | None = Field(None, min_length=3, max_length=254)
    country: Country = "US"

    @model_validator(mode="after")
    def _one_of_them(self) -> CustomerIn:
        if (self.phone is None) is (self.email is None):
            raise ValueError("phone or email, one of them")
        return self


class EraseIn(CustomerIn):
    """Erase this customer. The reason is kept as proof: a case number, nobody's name."""

    reason: str = Field(min_length=1, max_length=200, pattern=r"\S")


class ConversationNameOut(Out):
    """A conversation as LivePerson names it."""

    account: str
    conversation: str


class ErasedOut(Out):
    """What was erased. `waiting`: batches that are being sent or taken at this moment; they lose
    the number when that is over, and the sweep finishes the erasure within minutes."""

    customer: str
    erased_at: str
    entries: int = Field(description="ledger entries whose words were removed now")
    texts: int = Field(description="texts that were still to go and will not")
    conversations: list[ConversationNameOut] = Field(description="for LivePerson's own erasure")
    waiting: list[str]


class ConsentHeldOut(Out):
    """The consent in force for a banner."""

    consent_class: str
    at: str
    entry: int


class BindingOut(Out):
    """Whose customer this is at a banner."""

    account: str
    store: str
    agent_id: str
    at: str
    source: str


class LeaseOut(Out):
    """Which associate has the thread, and until when."""

    banner: str
    owner: str
    batch: str
    since: str
    until: str


class ProfileOut(Out):
    """The customer as stored."""

    phone: str | None = None
    zone: str | None = None
    postal_code: str | None = None
    created_at: str | None = None
    consents: dict[str, ConsentHeldOut]
    opted_out: str | None = Field(None, description="of every banner, since")
    opted_out_except: list[str]
    opted_out_of: list[str]
    stopped_at: str | None = Field(None, description="newest STOP, lifted or not")
    bindings: dict[str, BindingOut]
    lease: LeaseOut | None = None
    erased_at: str | None = None
    back_at: str | None = Field(None, description="began anew by their own word")
    unreachable: str | None = Field(None, description="why a carrier says no text arrives")


class EntryOut(Out):
    """One entry of the consent ledger."""

    n: int
    at: str
    recorded_at: str
    who: str
    what: str
    banner: str
    method: str
    scope: str | None = None
    country: str | None = None
    wording: str | None = None
    words: str | None = None
    evidence: str | None = None
    salt: str | None = None
    erased: bool | None = None
    personal: str
    prev: str
    hash: str


class LedgerOut(Out):
    """The whole ledger, and whether it verifies up to its head."""

    verified: bool
    problems: list[str]
    entries: list[EntryOut]
    not_ours: list[dict[str, Any]] | None = Field(
        None, description="stored among the entries, in no shape of theirs"
    )


class ConversationOut(Out):
    """A conversation as stored; its words are with LivePerson."""

    account: str
    conversation: str
    banner: str
    channel: str
    state: str
    created_at: str
    kept_until: str
    outcome: str | None = None
    answered_at: str | None = None
    answer: str | None = None
    phone: str | None = None
    consumer: str | None = None
    language: str | None = None
    attributes: dict[str, str] | None = None
    wanted: dict[str, str] | None = None
    agent_id: str | None = None
    decision: dict[str, Any] | None = None
    also: dict[str, Any] = Field(description="whatever else is stored, as it is stored")


class TextOut(Out):
    """A proactive text. `phone`, `variables` and place only while it is still to go."""

    batch: str
    due_at: str | None = None
    banner: str | None = None
    template: str | None = None
    associate: str | None = None
    asked_at: str | None = None
    kept_until: str | None = None
    state: str | None = None
    reason: str | None = None
    rule: str | None = None
    segments: int | None = None
    vendor_id: str | None = Field(None, description="LivePerson's name of this text")
    phone: str | None = None
    variables: list[str] | None = None
    zone: str | None = None
    postal_code: str | None = None


class ElsewhereOut(Out):
    """What is held outside of this table."""

    where: str
    what: str
    until: str


class ExportOut(Out):
    """Everything held on one customer. `profile` is absent when nothing is."""

    customer: str
    exported_at: str
    profile: ProfileOut | None = None
    ledger: LedgerOut
    conversations: list[ConversationOut]
    texts: list[TextOut]
    line: dict[str, list[dict[str, Any]]] = Field(
        {}, description="records of the SMS line by kind, as they are stored"
    )
    elsewhere: list[ElsewhereOut]


ROUTES = (
    Route("POST /customers/export", "export_customer", "Everything held on this customer",
          "customers/export", CustomerIn, {200: ExportOut}, (400, 401, 403, 413, 503),
          says={403: "Scope customers/export is missing"}),
    Route("POST /customers/erase", "erase_customer", "Erase this customer, and block",
          "customers/erase", EraseIn, {200: ErasedOut, 202: ErasedOut}, (400, 401, 403, 413, 503),
          says={200: "Erased and blocked", 403: "Scope customers/erase is missing",
                202: "Blocked; what is under way is erased by the sweep within minutes",
                503: "Ask again; what was erased stays so, the rest is done then"}),
)  # fmt: skip
