"""What Twilio's documents leave open, or each account has set its own way, by name.

docs/simulator.md tells the reasons. A story may turn any of them the other way:
`TwilioSim(clock, options=Options(segments_per_s=100))`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Options:
    """Defaults are the readings that are hardest on our side, unless a requirement decides."""

    # -- requests
    unknown_fields: Literal["refuse", "ignore"] = "refuse"  # refusing shows what we invented
    foreign_account_code: int = 20404  # right credentials, somebody else's account in the path
    magic_numbers: Literal["everywhere", "test_account"] = "everywhere"  # To +1500555000x
    countries: tuple[str, ...] = ("+1",)  # geographic permissions: anywhere else is 21408
    media_needs_auth: bool = True  # a setting of the account: basic auth for media

    # -- sending
    segments_per_s: float = 1.0  # of one long code, historic and Canada; a number may have its own
    queue_hours: float = 10.0  # older pages say 4
    delivery_s: float = 0.0  # from the carrier's taking a text to its receipt
    service_and_from_status: Literal["accepted", "queued"] = "accepted"  # two pages, two answers
    landline: Literal["30006", "21614"] = "30006"  # US, CA: it is tried; or refused at once
    foreign_sender_code: int = 21606  # From that is no number of ours; newer: 21659, 21660
    sender_outside_pool_code: int = 21606  # with From and a service; the code is not documented

    # -- keywords
    start_answered: Literal["if_blocked", "always"] = "if_blocked"
    # the documents say that START, YES and UNSTOP lift a block; whether "YES" in an ordinary
    # conversation is answered, they do not

    # -- webhooks
    read_timeout_s: float = 15.0
    connect_timeout_s: float = 5.0

    # -- voice
    call_token: bool = False  # CallToken and StirVerstat as in captures; both are signed
    most_turns: int = 50  # redirects and actions of one call

    # -- numbers
    stock_per_area_code: int = 40  # numbers for sale in an area code that nobody stocked
    pool_limit: int = 400  # senders in a messaging service
