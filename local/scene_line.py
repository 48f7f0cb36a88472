"""The SMS line of a scene: what the program's Twilio account has from the beginning.

Numbers of the voice menu's branches with our webhooks on them, the banners' numbers as LivePerson has
set them up (we only send from those), messaging services, the secret. Relay numbers are bought.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from instore.program import Program

    from .twilio import TwilioSim

# What a scene's webhooks are signed for; it leads to the stack on loopback.
PUBLIC_URL = "https://line.brand.example.com"


class Deployed(Protocol):
    """A stack that runs: the local one, or the rehearsal's."""

    @property
    def url(self) -> str: ...

    def put_secret(self, name: str, value: Any) -> None: ...


def open_line(program: Program, *, stack: Deployed, twilio: TwilioSim, public_url: str) -> None:
    """Furnish the account, as somebody would at Twilio's console; again = what is new in the program."""
    line = program.line
    if line is None or line.account_sid != twilio.account_sid:
        return  # none, or a story brings its own
    stack.put_secret(line.secret, twilio.secret())
    twilio.leads(public_url, to=stack.url)
    for branch in line.branches:
        if branch.number not in twilio.numbers:
            voice = f"{public_url}/twilio/voice/{branch.name}"
            twilio.numbers.add(branch.number, sms_url=f"{public_url}/twilio/sms", voice_url=voice,
                               status_callback=f"{voice}/ended")  # fmt: skip
    for banner in program.banners:
        if banner.features.line and banner.number.outbound not in twilio.numbers:
            twilio.numbers.add(banner.number.outbound)
    for service in line.pool.messaging_services:
        if service not in twilio.world.services:
            twilio.services.add("relay", sid=service)
