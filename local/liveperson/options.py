"""Every choice that LivePerson's documents leave open, by name, with the assumption beside it.

docs/simulator.md tells the reasons. A story may turn any of them the other way:
`LivePersonSim(clock, options=Options(rollover_conversation="kept"))`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Options:
    """Defaults are the readings that are hardest on our side, unless a requirement decides."""

    # -- tokens
    wrong_client_status: int = 401  # body and code of a failed token request: not documented
    expires_in_as_string: bool = True  # only in newer answers, as a string
    token_lifetime_s: int = 3600
    missing_scope_status: int = 403
    oauth1_clock_skew_s: int | None = 300  # None = timestamps are not compared with the clock
    bot_token_version: Literal["V1", "V2"] = "V1"  # key that signs calls to our bot

    # -- users, groups, skills
    values_as: Literal["strings", "numbers"] = "strings"  # examples: strings; live data: numbers
    missing_version_status: int | None = 400  # None = the old default version is used
    groups_select_default: str = "id,deleted,name"  # documented for skills, assumed for groups

    # -- agent view
    agent_view_min_gap_s: float = 0.0  # 1.0 = a second call within a second gets 429

    # -- campaigns
    campaign_status: int = 200  # HTTP code of success
    recipients_per_campaign: int = 100  # newest page; the older said 1000
    requests_per_s: int = 10  # per brand and API
    unknown_fields: Literal["refuse", "accept"] = "refuse"
    unknown_outbound_number: Literal["refuse", "accept"] = "refuse"
    plus_in_phone_numbers: Literal["invalid", "accept"] = "invalid"  # examples have digits only
    landline: Literal["fails_later", "invalid_number"] = "fails_later"
    open_conversation_channels: tuple[str, ...] = ("SMS",)
    # "any channel" is documented, but a web visitor is another consumer id than a phone: a web
    # conversation is assumed not to count. ("SMS", "WEB") is the strict reading.
    open_conversation_scope: Literal["brand", "account"] = "brand"  # sub-accounts count too
    open_conversation_status: str = "NOT_SENT"  # in campaign/{id}/conversations
    lookback_days: int = 30
    reporting_delay_s: int = 1200  # "up to 20 minutes": always the full 20
    carrier_verdicts: Literal["listed", "reported"] = "listed"
    # does campaign/{id}/conversations show what carriers refused, or outbound reporting only
    report_names_campaigns: bool = True  # campaigns/{id}/ carries campaignName (example: does not)

    # -- conversations
    rollover_conversation: Literal["new", "kept"] = "new"  # id after account-to-account roll-over
    sms_phone_in: tuple[str, ...] = ("ctmrinfo.imei", "personal.phone")  # () = nowhere
    sde_shape: Literal["by_type", "events", "history"] = "by_type"  # inside custom-endpoint `sdes`
    stop_reaches_conversation: bool = True  # the carrier blocks and LivePerson still gets STOP
    carrier_answers_stop: bool = True

    # -- connector
    second_conversation: Literal["refused", "opened"] = "refused"  # of a consumer who has one open
    consumer_token_s: int | None = None  # None = a ConsumerJWS never ends
    connector_per_s: int = 100  # 429 beyond; the limit is not documented

    # -- bots
    bot_create_status_ok: tuple[int, ...] = (200, 201, 204, 409)
    bot_start_event: bool = False  # START before the first TEXT
    bot_timeout_s: float = 60.0
    bot_retry_waits_s: tuple[int, ...] = (5, 10)  # before the second and the third attempt
    bot_transfer_to_unavailable: Literal["wait", "anyone"] = "wait"
    fallback_s: int = 7200  # account default; a skill's own value wins

    # -- webhooks
    webhook_timeout_s: float = 5.0
    webhook_max_retries: int = 5
    webhook_retry_s: int = 30
    webhook_covers: Literal["all", "own"] = "all"  # conversations the app did not open
    webhook_digest: Literal["sha1", "sha256"] = "sha1"
    webhook_details: Literal["full", "short"] = "full"  # short = no dialogs: SUGGESTED cannot show
