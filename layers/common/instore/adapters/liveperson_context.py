"""LivePerson's Conversation Context Service, version 1: a mirror of the agent map for its bots.

Source: LivePerson developer center, ConversationalAI/ConversationOrchestrator/
ConversationContextService/methods-v1.md. Version 1 takes a key instead of a token; its end has
been announced more than once, so nothing of ours reads from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .liveperson_session import Call
from .vendor_http import Limits, segment

if TYPE_CHECKING:
    from ..program import Account
    from .liveperson_session import Session

LIMITS = Limits(total=10, connect=1.5)


def write_properties(
    session: Session, account: Account, *, namespace: str, session_id: str,
    properties: Mapping[str, Any],
) -> None:  # fmt: skip
    """Set these properties of a session and leave its others; a value of None removes one.

    A namespace that is not there yet is made. Nothing to write = no call. Each call may be
    repeated without harm.
    """
    path = f"/v1/account/{account.id}/{segment(namespace)}/{segment(session_id)}/properties"
    kept = {name: value for name, value in properties.items() if value is not None}
    if kept:
        change = Call("PATCH", "context", path, "maven", LIMITS, {}, kept)
        if session.ask_if_there(account, change) is None:
            create = Call("POST", "context", f"/v1/account/{account.id}", "maven", LIMITS, {},
                          {"name": namespace})  # fmt: skip
            session.ask(account, create)
            session.ask(account, change)
    for name in properties.keys() - kept.keys():
        gone = Call("DELETE", "context", f"{path}/{segment(name)}", "maven", LIMITS, {})
        session.ask_if_there(account, gone)
