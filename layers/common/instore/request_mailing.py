"""An answer by e-mail: handed to the brand's own mail, which sends it once for its key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import UnavailableError, VendorError, VendorNotAuthorizedError
from .model import Email
from .service_request import Link, ReplyState

if TYPE_CHECKING:
    from .adapters.mail import MailService
    from .adapters.stores import Stores
    from .program import Banner
    from .program_line import Line
    from .service_request import Reply, ServiceRequest


@dataclass(frozen=True, slots=True, repr=False)
class Letter:
    """What the brand's mail is given. Never printed: it is the customer's."""

    to: Email
    name: str
    banner: str
    login: str
    associate: str
    request: str
    words: str
    links: tuple[Link, ...]
    media: tuple[str, ...]


def mail_it(
    reply: Reply, *, request: ServiceRequest, banner: Banner, line: Line | None, mail: MailService,
    stores: Stores,
) -> tuple[ReplyState, str]:  # fmt: skip
    """Hand an answer over; its state, and why it is there. `asked` again: nobody took it yet, or
    nobody can know, and the same key may be asked once more."""
    if line is None or line.mail is None:
        return ReplyState.REFUSED, "mail_off"
    if request.email is None:
        return ReplyState.REFUSED, "erased"
    store = stores.store(reply.pointer.account, group=reply.pointer.group)
    person = store.find(reply.pointer.agent_id) if store else None
    letter = Letter(request.email, request.name, banner.label, reply.login,
                    person.nickname if person else "", request.id, reply.words, reply.links,
                    reply.media)  # fmt: skip
    try:
        mail.send(line.mail, letter=letter, key=reply.id)
    except (UnavailableError, VendorNotAuthorizedError) as error:
        return ReplyState.ASKED, error.public_code
    except VendorError as error:
        again = error.processed is None or error.retryable
        return ReplyState.ASKED if again else ReplyState.REFUSED, (
            error.public_code if again else "mail_refused"
        )
    return ReplyState.SENT, ""
