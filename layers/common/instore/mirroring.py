"""An optional copy of the map in LivePerson's Context Service, for bots that run inside LivePerson.

The session is the banner and each store is a property (C26): a document per banner would pass the
800,000 characters a document may have, and only changed stores are sent. Agent ids and zones only:
personal data is not wanted there. A failure is remembered and repaired by the next rebuild.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .errors import UnavailableError, VendorError

if TYPE_CHECKING:
    from .adapters.liveperson import LivePerson
    from .directory_build import Directory
    from .program import Account

TOGETHER = 200  # stores a call


def mirror(
    account: Account, *, directory: Directory, entries: Iterable[str], namespace: str | None,
    liveperson: LivePerson,
) -> frozenset[str]:  # fmt: skip
    """Send what the map now says about `entries` (`<banner>|<group>`); None for what has gone.

    Returns the entries that LivePerson did not take; none without a namespace.
    """
    if namespace is None:
        return frozenset()
    by_banner: dict[str, list[str]] = defaultdict(list)
    for entry in sorted(entries):
        banner, _, group = entry.partition("|")
        by_banner[banner].append(group)
    left: set[str] = set()
    for banner, groups in by_banner.items():
        for start in range(0, len(groups), TOGETHER):
            part = groups[start : start + TOGETHER]
            properties = {property_name(g): _entry(directory, banner=banner, group=g) for g in part}
            try:
                liveperson.write_context(account, namespace=namespace, session=banner,
                                         properties=properties)  # fmt: skip
            except (VendorError, UnavailableError):
                left |= {f"{banner}|{group}" for group in part}
    return frozenset(left)


def property_name(group: str) -> str:
    """Names are letters, digits and underscores (ConversationContextService/methods-v2.md)."""
    return "store_" + re.sub(r"[^0-9A-Za-z]", "_", group)


def _entry(directory: Directory, *, banner: str, group: str) -> dict[str, Any] | None:
    store = directory.stores.get(group)
    if store is None or store.banner != banner:
        return None
    return {
        "group": group, "zone": store.zone,
        "agents": [a.agent_id for a in store.associates if a.enabled],
        "managers": [m.agent_id for m in store.managers if m.enabled],
    }  # fmt: skip
