"""A phone call to one of our numbers: our TwiML is carried out, verb by verb.

The caller is the story: `call.press("1")`, `call.wait()` (says nothing until the Gather's time is
over), `call.hang_up()`. Nobody's clock moves by itself: a Gather waits until the story decides.
"""

from __future__ import annotations

from datetime import datetime

from ..simulator import StoryError
from .inbound import places
from .state import OwnedNumber
from .twiml import Verb, parse
from .webhooks import VERSION, Hook, Reply, post, send
from .world import World

_OVER = frozenset({"completed", "busy", "no-answer", "failed"})


class Call:
    """One call. `said` is what the caller heard, `status` how it stands, `waiting` for digits.

    `pages` are the URLs whose TwiML was carried out, in order; `ended_by` is caller, us, or error.
    """

    def __init__(self, world: World, number: OwnedNumber, caller: str) -> None:
        self._world, self._number = world, number
        self.sid = world.sid("CA")
        self.caller, self.to = caller, number.number
        self.status = "ringing"
        self.said: list[str] = []
        self.played: list[str] = []
        self.pages: list[str] = []
        self.ended_by = ""
        self.answered_at: datetime | None = None
        self._digits = ""
        self._url = ""
        self._rest: list[Verb] = []
        self._gather: Verb | None = None

    @property
    def waiting(self) -> bool:
        """Is a Gather listening."""
        return self._gather is not None

    @property
    def over(self) -> bool:
        return self.status in _OVER

    def begin(self) -> Call:
        """Ring: ask the number's VoiceUrl what to do. No VoiceUrl: the call fails."""
        if not self._number.voice_url:
            self._end("failed", "error")
            return self
        self._turn(self._number.voice_url, self._number.voice_method, {})
        return self

    # ------------------------------------------------------------ what the caller does
    def press(self, digits: str) -> Call:
        """Press keys while a Gather listens. It ends with its last digit, or its finish key."""
        gather = self._listening()
        if "dtmf" not in gather.attributes.get("input", "dtmf"):
            raise StoryError("this Gather does not listen to keys")
        finish = gather.attributes.get("finishOnKey", "#")
        most = int(gather.attributes.get("numDigits", "1000"))
        for key in digits:
            if key == finish:
                return self._gathered(finish)
            self._digits += key
            if len(self._digits) == most:
                return self._gathered("")
        return self

    def wait(self) -> Call:
        """Say and press nothing (more) until the Gather's time is over."""
        gather = self._listening()
        if self._digits or gather.attributes.get("actionOnEmptyResult") == "true":
            return self._gathered("")
        self._gather = None
        self._carry_on()
        return self

    def hang_up(self) -> Call:
        """Put the receiver down, whatever is being said."""
        if self.over:
            raise StoryError("the call is over")
        self._gather = None
        self._end("completed", "caller")
        return self

    def _listening(self) -> Verb:
        if self._gather is None:
            raise StoryError("the call is over" if self.over else "nobody is listening")
        return self._gather

    # ------------------------------------------------------------ what the document does
    def _gathered(self, finish: str) -> Call:
        gather = self._listening()
        digits, self._digits, self._gather = self._digits, "", None
        self._turn(gather.target(self._url), gather.attributes.get("method", "POST"),
                   {"Digits": digits, "msg": "Gather End", "FinishedOnKey": finish})  # fmt: skip
        return self

    def _turn(self, url: str, method: str, more: dict[str, str]) -> None:
        """Fetch a document and carry it out."""
        if len(self.pages) >= self._world.options.most_turns:
            self._world.alert(11200, url, "the call goes round in circles")
            self._end("failed", "error")
            return
        self._url = url
        self.pages.append(url)
        hook = Hook("voice", self.to, self._number.account, method, url,
                    self._fields(more), self._number.voice_fallback_url)  # fmt: skip
        reply = send(self._world, hook)
        verbs = self._document(reply)
        if verbs is None:
            self.said.append("An application error has occurred.")
            self._end("completed" if self.answered_at else "failed", "error")
            return
        if self.answered_at is None and verbs and verbs[0].name == "Reject":
            busy = verbs[0].attributes.get("reason", "rejected") == "busy"
            self._end("busy" if busy else "no-answer", "us")
            return
        if self.answered_at is None:
            self.answered_at, self.status = self._world.now(), "in-progress"
        self._rest = verbs
        self._carry_on()

    def _document(self, reply: Reply) -> list[Verb] | None:
        if reply.code:
            return None
        if "xml" not in reply.content_type:
            self._world.alert(12300, self._url, f"content type {reply.content_type!r}")
            return None
        return parse(self._world, reply.body, url=self._url, kind="voice")

    def _carry_on(self) -> None:
        """The next verbs, until one listens, leads elsewhere or hangs up. The end hangs up."""
        while self._rest:
            verb = self._rest.pop(0)
            if verb.name == "Gather":
                for one in verb.children:
                    self._speak(one)
                self._gather = verb
                return
            if verb.name == "Redirect":
                self._turn(verb.target(self._url) if not verb.text else self._joined(verb),
                           verb.attributes.get("method", "POST"), {})  # fmt: skip
                return
            if verb.name in ("Hangup", "Reject"):
                break
            self._speak(verb)
        self._end("completed", "us")

    def _joined(self, verb: Verb) -> str:
        return Verb("Redirect", {"action": verb.text}, "").target(self._url)

    def _speak(self, verb: Verb) -> None:
        if verb.name == "Say":
            self.said += [verb.text] * max(1, int(verb.attributes.get("loop", "1")))
        elif verb.name == "Play":
            self.played.append(verb.text)

    # ------------------------------------------------------------ webhooks
    def _fields(self, more: dict[str, str]) -> dict[str, str]:
        fields = {
            "CallSid": self.sid, "AccountSid": self._number.account, "ApiVersion": VERSION,
            "Direction": "inbound", "CallStatus": self.status, "From": self.caller,
            "To": self.to, "Caller": self.caller, "Called": self.to, "FromCountry": "US",
            "ToCountry": "US", "CallerCountry": "US", "CalledCountry": "US",
        }  # fmt: skip
        for side, number in (("From", self.caller), ("Caller", self.caller), ("To", self.to),
                             ("Called", self.to)):  # fmt: skip
            fields |= places(self._world, side, number)
        if self._world.options.call_token:
            fields |= {"StirVerstat": "TN-Validation-Passed-A", "CallToken": "{}"}
        return fields | more

    def _end(self, status: str, by: str) -> None:
        """Over: the number's StatusCallback hears of it."""
        self.status, self.ended_by, self._rest = status, by, []
        if not self._number.status_callback:
            return
        now = self._world.now()
        seconds = int((now - self.answered_at).total_seconds()) if self.answered_at else 0
        more = {"CallDuration": str(seconds), "Duration": str((seconds + 59) // 60),
                "Timestamp": now.strftime("%a, %d %b %Y %H:%M:%S +0000"),
                "CallbackSource": "call-progress-events", "SequenceNumber": "0"}  # fmt: skip
        post(self._world, Hook("call_status", self.to, self._number.account,
                               self._number.status_callback_method, self._number.status_callback,
                               self._fields(more)))  # fmt: skip
