"""Environment variables as one frozen value, read at first use and never at import.

Each variable stands in template.yaml and is a field here, and the reverse (a test compares).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Settings:
    """What a function is told by its template. Empty = this function was not given it."""

    table_name: str = ""
    outreach_queue_url: str = ""
    assignment_queue_url: str = ""
    roster_bucket: str = ""
    import_bucket: str = ""  # uploads and results of imports
    report_bucket: str = ""  # monthly reports
    import_queue_url: str = ""
    sms_queue_url: str = ""
    relay_queue_url: str = ""  # runs about relay numbers
    line_queue_url: str = ""  # shards of the SMS line with many texts due
    customer_key_secret: str = ""  # Secrets Manager ARN: key that hashes telephone numbers
    relay_secret: str = ""  # Secrets Manager ARN: signs events relayed by a LivePerson function
    secret_prefix: str = ""  # names of the accounts' secrets begin so
    associate_claim: str = "email"  # token claim that is the associate's login name
    liveperson_domain_api: str = "https://api.liveperson.net"
    liveperson_gateway: str = ""  # one base URL in place of all zone hosts: test rigs, proxies
    twilio_api: str = "https://api.twilio.com"  # another one stands in for all hosts of Twilio
    public_url: str = ""  # base of our HTTP API as Twilio calls it; "" = API Gateway's own name


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Take the known variables out of the environment; the rest is none of our business."""
    source = os.environ if environment is None else environment
    known = {field.name: source[field.name.upper()] for field in fields(Settings)
             if source.get(field.name.upper())}  # fmt: skip
    return Settings(**known)
