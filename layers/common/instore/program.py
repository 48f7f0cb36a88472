"""The program document: what a deployer decides, in one validated, versioned piece.

Written as YAML, applied with `make configure`, kept in the table (`PROGRAM`), read by every
function with one GetItem and kept for 60 s in the process. Unknown fields are refused. Every
problem is reported with its path, all at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from .errors import BadInputError, FieldProblem, ProgramError
from .model import ACCOUNT_ID, Phone, fold_login
from .program_checks import problems_of
from .program_line import Line
from .program_parts import (
    Language,
    Messages,
    Name,
    Outreach,
    Part,
    Routing,
    Skill,
    Step,
    Template,
    merged,
)
from .program_words import in_words

__all__ = ["Account", "Alias", "Banner", "Program", "Step", "Template", "load_program"]


Login = Annotated[str, Field(min_length=1, max_length=254), AfterValidator(fold_login)]


class Account(Part):
    """A LivePerson account. In one-account mode it is `owner` and also has the humans."""

    id: Annotated[str, Field(pattern=f"^{ACCOUNT_ID}$")]
    role: Literal["owner", "sub"]
    zone: Literal["americas", "emea", "apac"] = "americas"
    secret: Name = Field(description="Secrets Manager name of its keys: <prefix>lp/<account id>")
    bot_client_id: str = Field(min_length=1, description="`azp` of tokens LivePerson sends our bot")


class Number(Part):
    """What a banner texts from: one number for all, or (`relay`) one of each associate's own for
    the texts of the SMS line. Campaigns go from `outbound` either way."""

    strategy: Literal["shared", "relay"] = "shared"
    outbound: str = Field(description="E.164; never toll-free: the thread would break")

    @field_validator("outbound")
    @classmethod
    def _not_toll_free(cls, value: str) -> str:
        try:
            phone = Phone(value)
        except BadInputError as error:
            raise ValueError("not a phone number in E.164, such as +12125550123") from error
        if phone.is_toll_free:
            raise ValueError("toll-free numbers cannot be outbound numbers")
        return value


class Features(Part):
    """Switches per banner: a phase of the roll-out is a flag flip."""

    routing: bool = True
    outreach: bool = True
    notification: bool = True
    line: bool = True


class Banner(Part):
    """A shop sign, or a plan: its people, its skills, its number, its rules."""

    name: Name
    label: str = Field(min_length=1, max_length=60, description="what customers read")
    known_as: list[Annotated[str, Field(min_length=2, max_length=60)]] = Field(
        [], description="shorter names by which a first text may call the banner"
    )
    account: str = Field(description="account where its associates are")
    bots: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,36}$")]] = Field(min_length=1)
    campaign_skill: Skill = Field(description="skill on the owner account; replies arrive there")
    bot_skill: Skill = Field(description="skill of the routing bot on the banner's account")
    human_skill: Skill = Field(description="skill named with every transfer to an agent")
    virtual_skill: Skill | None = Field(None, description="virtual associates on the owner account")
    fallback_skill: Skill | None = Field(None, description="where step `skill` leads")
    number: Number
    country: Literal["US", "CA"] = "US"
    language: Language | None = None
    features: Features = Features()
    stopped: bool = Field(False, description="kill switch: nothing is sent for this banner")
    routing: Routing
    outreach: Outreach

    @property
    def last_skill(self) -> str:
        """Where a conversation goes when no person is to be had."""
        return self.fallback_skill or self.virtual_skill or self.human_skill


class Alias(Part):
    """A keyword of our own for an associate, beside those in the roster."""

    banner: str
    word: str
    login: Login


class Notification(Part):
    """The one text that brings a waiting customer back."""

    when: Literal["assigned", "first_reply", "never"] = "assigned"
    channel: Literal["liveperson", "twilio"] = Field(
        "liveperson", description="twilio: by the SMS line, and never silent while another is open"
    )
    when_open: Literal["liveperson", "twilio"] = Field(
        "liveperson", description="which channel while the customer has another conversation open, "
        "into which LivePerson sends nothing: twilio = by the SMS line, so that it arrives",
    )  # fmt: skip
    template: str | None = None
    link: Annotated[str, Field(pattern=r"^https://")] | None = None


class Consent(Part):
    """How far a customer's STOP reaches, and who confirms it: one text, never two."""

    opt_out_scope: Literal["all", "banner"] = "all"
    confirm: Literal["ours", "carrier"] = Field(
        "ours", description="carrier: it answers its own words on SMS itself, so we do not"
    )


class AgentMap(Part):
    """When a rebuilt map is believed."""

    max_drop_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    mirror_namespace: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,60}$")] | None = None


class Stops(Part):
    """Kill switches: nothing is sent by or for what is listed here."""

    all: bool = False
    banners: list[str] = Field(default=[])
    stores: list[str] = Field([], description="agent group ids, or <account>/<group>")
    associates: list[Login] = Field([], description="login names, in any case")


class Program(Part):
    """The whole document. Use `load_program`, which turns problems into a ProgramError."""

    schema_version: Literal[1] = 1
    name: Name
    language: Language = "en"
    accounts: list[Account] = Field(min_length=1)
    banners: list[Banner] = Field(min_length=1)
    routing: Routing
    outreach: Outreach = Outreach()
    notification: Notification = Notification()
    consent: Consent = Consent()
    mapping: AgentMap = AgentMap()
    stops: Stops = Stops()
    line: Line | None = None
    aliases: list[Alias] = Field(default=[])
    messages: dict[Language, Messages] = Field(default={})

    @model_validator(mode="before")
    @classmethod
    def _banners_inherit(cls, document: Any) -> Any:
        """A banner states only what differs; the rest comes from the top level."""
        if not isinstance(document, Mapping) or not isinstance(document.get("banners"), list):
            return document
        banners = [
            {**banner, **{part: merged(document.get(part), banner.get(part)) or {}
                          for part in ("routing", "outreach")}}
            if isinstance(banner, Mapping) else banner
            for banner in document["banners"]
        ]  # fmt: skip
        return {**document, "banners": banners}

    def problems(self) -> list[FieldProblem]:
        """Wrongs that only show when fields are seen together."""
        return problems_of(self)

    def account(self, account_id: str) -> Account | None:
        return next((a for a in self.accounts if a.id == account_id), None)

    @property
    def owner(self) -> Account:
        """The account whose numbers customers text and whose campaigns go out."""
        return next(a for a in self.accounts if a.role == "owner")

    def banner(self, name: str) -> Banner | None:
        return next((b for b in self.banners if b.name == name), None)

    def banner_of_bot(self, account_id: str, bot_id: str) -> Banner | None:
        """The banner a bot user serves; no two share one."""
        mine = (b for b in self.banners if b.account == account_id and bot_id in b.bots)
        return next(mine, None)

    def human_accounts(self) -> list[Account]:
        """Accounts with associates in them, each once: those the agent map is built for."""
        used = {b.account for b in self.banners}
        return [a for a in self.accounts if a.id in used]

    def message(self, key: str, *, language: str | None, **values: str) -> str:
        """The customer-facing sentence for an outcome, in the nearest language that has it."""
        near = (language or "")[:2].lower()
        for wanted in (language, near, self.language, self.language[:2]):
            texts = self.messages.get(wanted or "")
            if texts is not None and key in texts.texts:
                return texts.render(key, values)
        return Messages().render(key, values)

    def template(self, name: str, banner: Banner) -> Template | None:
        return next((t for t in banner.outreach.templates if t.name == name), None)

    def stop_reason(
        self, *, banner: Banner, store: str, login: str,
        feature: Literal["outreach", "notification", "line"] = "outreach",
    ) -> str | None:  # fmt: skip
        """Why nothing may be sent for these, or None. Checked at accept and at send."""
        if self.stops.all:
            return "stopped_all"
        on = getattr(banner.features, feature)
        if banner.stopped or banner.name in self.stops.banners or not on:
            return "stopped_banner"
        if store in self.stops.stores or f"{banner.account}/{store}" in self.stops.stores:
            return "stopped_store"
        stopped = {fold_login(name) for name in self.stops.associates}
        return "stopped_associate" if fold_login(login) in stopped else None


def load_program(document: Any) -> Program:
    """Validate a document (the parsed YAML) and return the program.

    Raises ProgramError with one FieldProblem per wrong field; nothing is half loaded.
    """
    try:
        program = Program.model_validate(document)
    except ValidationError as error:
        raise ProgramError([_problem(item) for item in error.errors()]) from error
    problems = program.problems()
    if problems:
        raise ProgramError(problems)
    return program


def _problem(item: Any) -> FieldProblem:
    where = ""
    for part in item["loc"]:
        where += f"[{part}]" if isinstance(part, int) else f"{'.' if where else ''}{part}"
    return FieldProblem(where or "document", in_words(item))
