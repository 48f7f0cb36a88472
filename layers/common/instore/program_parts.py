"""The parts of a program: routing, outreach, texts. See program.py for the whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import time
from decimal import Decimal
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from .call_messages import CALL_FIELDS, CALL_MESSAGES
from .model import Stickiness, fold_word
from .request_messages import REQUEST_MESSAGES

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9/_-]{0,80}$")]
Skill = Annotated[str, Field(min_length=1, max_length=255)]
# One of the brand's own services, without a slash at the end; plain http on this machine only.
BaseUrl = Annotated[str, Field(pattern=r"^(https://|http://127\.0\.0\.1[:/]).+[^/]$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]
Resolver = Literal["binding", "token", "backend", "keyword"]
Step = Literal["associate", "least_loaded_peer", "manager", "wait_for_associate", "skill"]

# Words a customer texts to the carrier, the law or the bot; never somebody's keyword.
# Folded as keywords are (L and I become 1, O becomes 0).
_RESERVED = """
    STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT OPTIN START YES UNSTOP HELP INFO
    ARRET ARRETER AIDE BAJA ALTO AYUDA NO OK HI HELLO WAIT NEXT
"""
RESERVED_WORDS = frozenset(str(fold_word(word)) for word in _RESERVED.split())


def _without_repeats(value: list[Any]) -> list[Any]:
    if len(set(value)) != len(value):
        raise ValueError("listed twice")
    return value


NO_REPEATS = AfterValidator(_without_repeats)


class Part(BaseModel):
    """Closed and frozen: unknown fields are mistakes, and nobody changes a loaded program."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Hours(Part):
    """A daily window in wall-clock time, `from` before `to`, within one day."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    start: time = Field(alias="from")
    end: time = Field(alias="to")

    @field_validator("start", "end", mode="before")
    @classmethod
    def _wall_clock(cls, value: Any) -> Any:
        """YAML reads a bare 11:00 as the number 660; a zone would be the store's to say."""
        if isinstance(value, time) and value.tzinfo is None:
            return value
        if not isinstance(value, str) or not re.fullmatch(r"[0-2]?\d:[0-5]\d(:00)?", value):
            raise ValueError('write a time of day in quotes, like "11:00"')
        return value.zfill(5)

    @model_validator(mode="after")
    def _right_way_up(self) -> Hours:
        if self.start >= self.end:
            raise ValueError(
                f"hours upside down: {self.start:%H:%M} is not before {self.end:%H:%M}"
            )
        return self


class TokenRule(Part):
    """Attributes of a signed-in customer -> the associate's alias (plan type + branch)."""

    when: dict[str, str] = Field(min_length=1, description="attribute path -> value")
    alias: str = Field(min_length=2, max_length=40)


class TokenResolver(Part):
    """Which verified engagement attributes name the associate."""

    alias_attribute: str | None = Field(None, description="path whose value is the alias itself")
    rules: list[TokenRule] = []

    @model_validator(mode="after")
    def _says_something(self) -> TokenResolver:
        if self.alias_attribute is None and not self.rules:
            raise ValueError("needs alias_attribute or rules")
        return self


class BackendResolver(Part):
    """The brand's own API: member -> associate, keyword -> associate. docs/backend-api.md."""

    base_url: BaseUrl
    secret: Name | None = None
    timeout_s: Annotated[float, Field(gt=0, le=10)] = 2.0
    member_attribute: str = "ctmrinfo.customerId"


class Triggers(Part):
    """Store-wide reasons to go to the virtual associates at once. None = off."""

    closed: bool = False
    all_offline_minutes: Annotated[int, Field(ge=0, le=1440)] | None = None
    all_busy_minutes: Annotated[int, Field(ge=0, le=1440)] | None = None

    @property
    def any(self) -> bool:
        return (
            self.closed or self.all_offline_minutes is not None or self.all_busy_minutes is not None
        )


class Routing(Part):
    """Who takes a conversation: resolvers find the wanted associate, steps find a stand-in."""

    resolvers: Annotated[list[Resolver], Field(min_length=1), NO_REPEATS]
    stickiness: Stickiness = Stickiness.STORE
    steps: Annotated[list[Step], Field(min_length=1), NO_REPEATS]
    triggers: Triggers = Triggers()
    keyword_tries: Annotated[int, Field(ge=0, le=5)] = 2
    presence_max_age_s: Annotated[int, Field(ge=0, le=60)] = 15
    decision_valid_s: Annotated[int, Field(ge=60, le=86400)] = 900
    silent_wait_alarm_minutes: Annotated[int, Field(ge=1, le=144000)] = 1440
    token: TokenResolver | None = None
    backend: BackendResolver | None = None


def ends(routing: Routing) -> Iterable[str]:
    """Say why these steps might never end, or go where the stickiness forbids."""
    steps: list[str] = list(routing.steps)
    if steps[-1] not in ("skill", "wait_for_associate"):
        yield f"cannot end: the last step must be skill or wait_for_associate, not {steps[-1]}"
    if "skill" in steps[:-1]:
        yield "nothing after step `skill` can be reached"
    if routing.stickiness is Stickiness.STRICT:
        for step in ("least_loaded_peer", "manager"):
            if step in steps:
                yield f"strict never reaches another agent: remove {step}"
        if "wait_for_associate" not in steps:
            yield "strict needs wait_for_associate"
    if routing.stickiness is Stickiness.OFFER_CHOICE and "wait_for_associate" not in steps:
        yield "offer_choice needs wait_for_associate"


class Rate(Part):
    """What the vendor contract allows, per account and channel, and the share kept for replies."""

    requests_per_s: Annotated[float, Field(gt=0, le=1000)] = 10
    messages_per_s: Annotated[float, Field(gt=0, le=1000)] = 9
    notification_share: Annotated[float, Field(ge=0.05, le=0.9)] = 0.2


class CustomerCap(Part):
    """At most `sends` proactive texts to one customer in any `hours`."""

    sends: Annotated[int, Field(ge=1, le=50)] = 3
    hours: Annotated[int, Field(ge=1, le=720)] = 24


class Filtering(Part):
    """When a number is held: `run` texts in a row that the carrier filtered; and for how long."""

    run: Annotated[int, Field(ge=3, le=1000)] = 20
    hold_hours: Annotated[int, Field(ge=1, le=168)] = 12


class SegmentCost(Part):
    """What one segment costs with the vendor and carrier together: for estimates only."""

    amount: Annotated[Decimal, Field(gt=0, le=10, decimal_places=6)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"


class Template(Part):
    """A message LivePerson holds under `id`; `text` is our copy, with {1}, {2} … for variables."""

    name: Name
    id: str = Field(min_length=1, max_length=32, description="LivePerson template or handoff id")
    text: str = Field(min_length=1, max_length=1600)
    variables: Annotated[int, Field(ge=0, le=20)] = 0
    purpose: Literal["one_to_one", "marketing"] = "one_to_one"
    first: bool = Field(True, description="may be a customer's first text from this banner")
    examples: list[Annotated[str, Field(min_length=1, max_length=1550)]] = Field(
        [], description="one value per variable, to show what a text costs"
    )

    @model_validator(mode="after")
    def _variables_match(self) -> Template:
        placed = set(re.findall(r"\{([^{}]*)\}", self.text))
        strange = sorted(name for name in placed if not re.fullmatch("[1-9][0-9]*", name))
        if strange:
            # It would stay as it is, braces and all, in a text to a customer.
            raise ValueError(f"variables are {{1}}, {{2}} and so on, not {{{strange[0]}}}")
        found = sorted(int(name) for name in placed)
        if found != list(range(1, self.variables + 1)):
            raise ValueError(f"text has variables {found}, `variables` says {self.variables}")
        if self.examples and len(self.examples) != self.variables:
            raise ValueError(f"{len(self.examples)} examples for {self.variables} variables")
        return self


class Outreach(Part):
    """Limits and hours of texting first."""

    recipients_per_batch: Annotated[int, Field(ge=1, le=100)] = 10
    # Each batch of the day has its share in one item: what bounds the day bounds the item.
    per_associate_day: Annotated[int, Field(ge=1, le=1000)] = 100
    chunk: Annotated[int, Field(ge=1, le=100)] = 100
    linger_s: Annotated[int, Field(ge=0, le=300)] = 15
    gap_s: Annotated[float, Field(ge=0, le=60)] = 1.0
    rate: Rate = Rate()
    associate_window: Hours = Hours.model_validate({"from": "11:00", "to": "20:00"})
    outside_window: Literal["defer", "reject"] = "defer"
    max_defer_hours: Annotated[int, Field(ge=1, le=168)] = 48
    customer_cap: CustomerCap = CustomerCap()
    filtering: Filtering = Filtering()
    lease_hours: Annotated[int, Field(ge=1, le=2400)] = 72
    import_rows: Annotated[int, Field(ge=1, le=10000)] = 10000
    segment_cost: SegmentCost | None = None
    templates: list[Template] = []


DEFAULT_MESSAGES = {
    "connecting": "Connecting you with {associate}.",
    "peer": "{wanted} is not available right now, so {associate} from the same store will help you.",
    "manager": "{wanted} is not available right now, so {associate} will help you.",
    "waiting": "{wanted} is away right now. Your message is in {wanted}'s own queue; "
    "we will text you when {wanted} takes it.",
    "waiting_sms": "{wanted} is away right now. Your message is in {wanted}'s own queue and "
    "{wanted} will answer you here.",
    "skill": "We are connecting you with our team.",
    "closed": "The store is closed right now. Our virtual associates will help you.",
    "virtual": "Everyone at the store is busy right now. Our virtual associates will help you.",
    "ask_keyword": "Who would you like to reach? Please text the name or code on their card.",
    "ask_again": "We could not find that name or code. Please check the card and text it again.",
    "choice": "{wanted} is not available. Text WAIT to wait for {wanted}, or NEXT for the next "
    "available person.",
    "opted_out": "You will get no more texts from us. Text START to get them again.",
    "opted_in": "You will get texts from us again. Text STOP to end them.",
    "help": "{banner}: {associate} reads your texts to this number. Write what you need and we will "
    "answer here. Msg and data rates may apply. Text STOP to end texts.",
    "goodbye": "Thank you. Goodbye.",
    "associate": "your associate",
    "line_call_store": "This number takes text messages only. To speak with us, please call "
    "{phone}. Or hang up and send us a text.",
    "line_texts_only": "This number takes text messages only. Please hang up and send us a text.",
    **CALL_MESSAGES,
    **REQUEST_MESSAGES,
}


MESSAGE_FIELDS = ("associate", "wanted", "banner", "store", *CALL_FIELDS)


class Messages(Part):
    """Sentences to the customer, one per outcome; unset ones use the built-in English."""

    texts: dict[str, Annotated[str, Field(min_length=1, max_length=640)]] = {}

    @field_validator("texts")
    @classmethod
    def _known_keys(cls, value: dict[str, str]) -> dict[str, str]:
        for key, text in value.items():
            if key not in DEFAULT_MESSAGES:
                raise ValueError(f"unknown message {key!r}")
            for _, field, spec, conversion in Formatter().parse(text):
                if field is not None and (field not in MESSAGE_FIELDS or spec or conversion):
                    raise ValueError(f"{key}: unknown field {{{field}}}")
        return value

    def render(self, key: str, values: Mapping[str, str]) -> str:
        known = {**dict.fromkeys(MESSAGE_FIELDS, ""), **values}
        return self.texts.get(key, DEFAULT_MESSAGES[key]).format(**known)


def merged(base: Any, own: Any) -> Any:
    """A banner's part over the program's: mappings merge, anything else replaces."""
    if not isinstance(own, Mapping):
        return base if own is None else own
    if not isinstance(base, Mapping):
        return own
    return {**base, **{key: merged(base.get(key), value) for key, value in own.items()}}
