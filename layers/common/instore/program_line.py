"""The SMS line as a program describes it: Twilio, relay numbers, calls offered a text instead.

Absent = no SMS line: nothing of it is deployed to use, and every operation says `line_off`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from .errors import BadInputError
from .model import Phone
from .program_parts import NO_REPEATS, BaseUrl, Name, Part, Skill

Host = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$", max_length=253)]
Digit = Annotated[str, Field(pattern=r"^[0-9]$")]
Onward = Annotated[str, Field(
    pattern=r"^((https://|http://127\.0\.0\.1[:/]).+|\+[1-9][0-9]{6,14})$", max_length=500
)]  # fmt: skip


class Pool(Part):
    """How many relay numbers there may be, and where they send from.

    Carriers and Twilio cap both: 400 senders a messaging service (Twilio, 21714), 49 numbers a
    10DLC campaign at T-Mobile unless a number pool is approved. So the caps are the contract's.
    """

    messaging_services: Annotated[
        list[Annotated[str, Field(pattern=r"^MG[0-9a-fA-F]{32}$")]], NO_REPEATS
    ] = Field(default=[])
    senders_per_service: Annotated[int, Field(ge=1, le=10000)] = 400
    most_numbers: Annotated[int, Field(ge=1, le=100000)] = 49
    quarantine_days: Annotated[int, Field(ge=1, le=730)] = 90


class Push(Part):
    """The brand's push service: asked whether a caller is enrolled, and told to push."""

    base_url: BaseUrl
    secret: Name | None = None
    timeout_s: Annotated[float, Field(gt=0, le=5)] = 1.5
    enrolled: Literal["token", "active"] = Field("token", description="who counts as app user")


class Mail(Part):
    """The brand's own mail: answers to requests by e-mail are handed to it. docs/mail-api.md."""

    base_url: BaseUrl
    secret: Name | None = None
    timeout_s: Annotated[float, Field(gt=0, le=10)] = 5.0


class Branch(Part):
    """One branch of the brand's voice menu whose callers are offered to text instead."""

    name: Name
    banner: str
    number: str = Field(description="E.164 that the first text comes from; never toll-free")
    skill: Skill = Field(description="where the bot routes the conversation that follows")
    intent: str = Field(min_length=1, max_length=80, description="why they call, for the agent")
    store: str | None = Field(None, description="agent group whose hours set the expectation")
    accept_digit: Digit = "1"
    decline_digit: Digit = "2"
    onward: Onward | None = Field(
        None, description="where a call goes on that is not turned into texts: address of the "
        "brand's own TwiML, or a number to put it through to; unset = goodbye",
    )  # fmt: skip
    answer_minutes: Annotated[int, Field(ge=1, le=1440)] = Field(
        15, description="how long an answer usually takes, as the customer is told"
    )
    most_texts: Annotated[int, Field(ge=1, le=10)] = Field(
        3, description="first texts to one caller in 24 hours; then the call just goes on"
    )
    gather_timeout_s: Annotated[int, Field(ge=1, le=30)] = 5
    tries: Annotated[int, Field(ge=1, le=3)] = 2
    messenger_link: Annotated[str, Field(pattern=r"^https://")] | None = None
    push: bool = False
    repeat_days: Annotated[int, Field(ge=1, le=400)] = Field(
        90, description="a caller who texts again within these days is a repeat customer"
    )

    @field_validator("name")
    @classmethod
    def _one_part_of_a_path(cls, value: str) -> str:
        if "/" in value or value == "line":
            raise ValueError("stands in the webhook's path: no slash, and not `line`")
        return value

    @model_validator(mode="after")
    def _two_digits(self) -> Branch:
        if self.accept_digit == self.decline_digit:
            raise ValueError("accept_digit and decline_digit are the same")
        return self

    @field_validator("number")
    @classmethod
    def _not_toll_free(cls, value: str) -> str:
        try:
            phone = Phone.parse(value)  # as people write it: +1(212) 555-0100 (C22)
        except BadInputError as error:
            raise ValueError(f"{error.message}; write it like +1(212) 555-0123") from error
        if phone.is_toll_free:
            raise ValueError("toll-free numbers cannot be outbound numbers")
        return phone.e164


class Line(Part):
    """Our own numbers at Twilio and what they are for."""

    account_sid: Annotated[str, Field(pattern=r"^AC[0-9a-f]{32}$")]
    secret: Name = Field(description="Secrets Manager name: <prefix>twilio/<account sid>")
    pool: Pool = Pool()
    media_hosts: list[Host] = Field([], description="where pictures in texts may come from")
    link_hosts: list[Host] = Field(
        [], description="where product links may lead, beside media_hosts"
    )
    media_max_bytes: Annotated[int, Field(ge=1, le=5_000_000)] = 5_000_000
    team_mode: bool = Field(False, description="widget requests go to the team, not to New Leads")
    push: Push | None = None
    mail: Mail | None = None
    branches: list[Branch] = Field(default=[])
    report_day: Annotated[int, Field(ge=1, le=28)] = 1

    @model_validator(mode="after")
    def _push_needs_a_service(self) -> Line:
        if self.push is None and any(branch.push for branch in self.branches):
            raise ValueError("a branch has push, and there is no push service")
        return self

    def at(self, account_sid: str) -> Line:
        """The same at another account of Twilio's; its secret is named by the same rule."""
        if account_sid == self.account_sid:
            return self
        name = self.secret.removesuffix(self.account_sid.lower()) + account_sid.lower()
        return self.model_copy(update={"account_sid": account_sid, "secret": name})

    def branch(self, name: str) -> Branch | None:
        return next((b for b in self.branches if b.name == name), None)
