"""One campaign of proactive texts: what is asked of LivePerson, and what it says it did.

Values only; adapters/liveperson_outreach.py makes the call. Limits are those of LivePerson's
developer center, MessagingChannels/ProactiveMessaging/api.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .errors import BadInputError
from .model import Phone

MOST_RECIPIENTS = 100
_LONGEST_VARIABLE = 1550


@dataclass(frozen=True, slots=True)
class Campaign:
    """One message to up to 100 numbers. Raises BadInputError `invalid_campaign` beyond the
    documented limits, because the vendor would refuse the whole of it.

    `skill` is a skill name on the account; `recipients` pairs each number with the template's
    variables in order, "1" first.
    """

    name: str
    skill: str
    template_id: str
    outbound: Phone
    recipients: tuple[tuple[Phone, tuple[str, ...]], ...]

    def __post_init__(self) -> None:
        numbers = {phone for phone, _ in self.recipients}
        variables = [value for _, values in self.recipients for value in values]
        good = (
            1 <= len(self.name) <= 255
            and 1 <= len(self.skill) <= 255
            and 1 <= len(self.template_id) <= 32
            and 1 <= len(self.recipients) <= MOST_RECIPIENTS
            and len(numbers) == len(self.recipients)
            and all(isinstance(v, str) and len(v) <= _LONGEST_VARIABLE for v in variables)
        )
        if not good:
            raise BadInputError("a campaign beyond LivePerson's limits", code="invalid_campaign")


@dataclass(frozen=True, slots=True, repr=False)
class CampaignResult:
    """What LivePerson says it did with each number (digits without the plus).

    `accepted` digits -> LivePerson's id of the text; `failed` digits -> its reason, such as
    INVALID_NUMBER. `unclear`: in both lists, in neither, or without an id - treat as unknown,
    never as not sent. Never printed: it holds numbers.
    """

    campaign_id: str
    accepted: Mapping[str, str]
    failed: Mapping[str, str]
    unclear: tuple[str, ...] = ()
