"""TwiML, read strictly: what Twilio would reject or ignore with a warning becomes an alert.

Source: docs/voice/twiml and docs/messaging/twiml.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from urllib.parse import urljoin

from .world import World

LONGEST_DOCUMENT, LONGEST_SAY = 64 * 1024, 4096
GATHER = frozenset({
    "input", "action", "method", "timeout", "speechTimeout", "numDigits", "finishOnKey", "hints",
    "language", "partialResultCallback", "bargeIn", "actionOnEmptyResult", "enhanced",
    "speechModel", "profanityFilter", "debug",
})  # fmt: skip
# verb -> (attributes, children)
VOICE: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "Say": (frozenset({"voice", "language", "loop"}), frozenset()),
    "Play": (frozenset({"loop", "digits"}), frozenset()),
    "Pause": (frozenset({"length"}), frozenset()),
    "Gather": (GATHER, frozenset({"Say", "Play", "Pause"})),
    "Redirect": (frozenset({"method"}), frozenset()),
    "Hangup": (frozenset(), frozenset()),
    "Reject": (frozenset({"reason"}), frozenset()),
}
SMS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "Message": (frozenset({"to", "from", "action", "method", "statusCallback"}),
                frozenset({"Body", "Media"})),
    "Body": (frozenset(), frozenset()),
    "Media": (frozenset(), frozenset()),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verb:
    name: str
    attributes: dict[str, str]
    text: str
    children: tuple[Verb, ...] = ()

    def target(self, url: str, name: str = "action") -> str:
        """Where it leads; the current URL when nothing is said."""
        return urljoin(url, self.attributes.get(name, ""))


def parse(world: World, body: str, *, url: str, kind: str) -> list[Verb] | None:
    """The verbs of a document; None (and an alert) when it cannot be carried out.

    `kind` is voice or sms. An attribute nobody knows is ignored with an alert (12200).
    """
    if len(body.encode()) > LONGEST_DOCUMENT:
        world.alert(11750, url, "more than 64 KB")
        return None
    try:
        root = ET.fromstring(body.encode())
    except ET.ParseError as error:
        world.alert(12100, url, f"no XML: {error}")
        return None
    if root.tag != "Response":
        world.alert(12100, url, f"the root is {root.tag!r}")
        return None
    known = VOICE if kind == "voice" else SMS
    roots = known.keys() - {"Body", "Media"}
    if kind == "sms" and (root.text or "").strip():
        world.alert(12200, url, "text outside of a verb")
    verbs = [_read(world, one, url, known) for one in root if _known(world, one.tag, url, roots)]
    return None if len(verbs) < len(root) else verbs


def _known(world: World, tag: str, url: str, names: frozenset[str] | set[str]) -> bool:
    if tag in names:
        return True
    world.alert(12200, url, f"{tag!r} is not expected here")
    return False


def _read(
    world: World, element: ET.Element, url: str, known: dict[str, tuple[frozenset[str], frozenset[str]]]
) -> Verb:  # fmt: skip
    attributes, children = known[element.tag]
    for name in element.attrib.keys() - attributes:
        world.alert(12200, url, f"{element.tag} has no attribute {name!r}")
    text = (element.text or "").strip()
    if element.tag == "Say" and not 0 < len(text) <= LONGEST_SAY:
        world.alert(13520, url, "Say: nothing, or more than 4096 characters")
    inner = tuple(_read(world, one, url, known) for one in element
                  if _known(world, one.tag, url, children))  # fmt: skip
    return Verb(element.tag, dict(element.attrib), text, inner)
