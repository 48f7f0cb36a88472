"""Where LivePerson's services are and how to be let in: addresses, tokens, signatures.

Addresses come from the domain API and are kept for ten minutes (up to a day while the domain
API is away: LivePerson advises no longer than a day). Tokens live an hour and are renewed a
minute early. A 401 or 403 makes us read the secret anew and try once more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode, urlsplit

from ..errors import (
    VendorError,
    VendorGarbageError,
    VendorNotAuthorizedError,
    VendorNotReachedError,
    VendorUnavailableError,
)
from .liveperson_proof import Method, key_of, sign, token_end
from .vendor_http import HIGHEST_PORT, Limits, Reply, Request, VendorHttp, compact, with_query

if TYPE_CHECKING:
    from ..program import Account
    from .secrets import Secrets

# How a call proves who we are. V1 and V2 are Sentinel's two token families: proactive messaging
# and reporting take V1, configuration (users, groups, skills) takes V2. LivePerson developer
# center, APIGuidelines/oauth-2-0-client-credentials.md, oauth-1-0-api-keys.md.
# `app` is V1 without the word Bearer, as the Connector API wants it (SendAPI/authorization-and-
# authentication.md).
Proof = Literal["v1", "v2", "app", "oauth1", "maven"]

ADDRESS_KEPT = timedelta(minutes=10)
ADDRESS_LAST = timedelta(days=1)
ADDRESS_AGAIN = timedelta(minutes=1)  # a domain API that failed is left alone so long
TOKEN_EARLY = timedelta(seconds=60)
TOKEN_KEPT = timedelta(minutes=5)  # a token that does not say when it ends
REFUSED_KEPT = timedelta(seconds=60)  # credentials refused twice are not tried twice so soon
FINDING = Limits(total=2)
_LABEL = r"(?!xn--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"({_LABEL}(?:\.{_LABEL})*)(?::([0-9]{{1,5}}))?\Z")

# Services without a name in the domain API; hosts per zone. ProactiveMessaging/api.md,
# Reporting/OutboundReportingAPI/overview.md, ConversationContextService/methods-v1.md.
ZONE_HOSTS = {
    "proactive": "proactive-messaging.{z}.fs.liveperson.com",
    "reporting": "{region}.cx-reporting.liveperson.net",
    "context": "{z}.context.liveperson.net",
}
_ZONES = {"americas": ("z1", "va"), "emea": ("z2", "lo"), "apac": ("z3", "sy")}


@dataclass(frozen=True, slots=True)
class Call:
    """What to ask LivePerson. `service` is a domain API name or a key of ZONE_HOSTS."""

    method: Method
    service: str
    path: str
    proof: Proof | None
    limits: Limits
    query: Mapping[str, str]
    body: Any = None
    headers: Mapping[str, str] | None = None


class Session:
    """Addresses, tokens and the one function every LivePerson call goes through."""

    def __init__(
        self, *, secrets: Secrets, domain_api: str, gateway: str,
        now: Callable[[], datetime], http: VendorHttp,
    ) -> None:  # fmt: skip
        self.secrets, self.now, self.http = secrets, now, http
        self._domain_api, self._gateway = domain_api.rstrip("/"), gateway.rstrip("/")
        self._addresses: dict[tuple[str, str], tuple[datetime, datetime, str]] = {}
        self._tokens: dict[tuple[str, str], tuple[datetime, str]] = {}
        self._refused: dict[tuple[str, Proof | None], datetime] = {}

    def ask(self, account: Account, call: Call, *, until: float | None = None) -> Reply:
        """Send the call with its proof; the answer is 2xx or 304, anything else is an error.

        Whatever fails before the call itself leaves us is VendorNotReachedError, so that a send
        knows it was not processed; UnavailableError when the secret cannot be read.
        """
        request = self._prepare(account, call, until=until)
        reply = self.http.send(request, limits=call.limits, until=until)
        if not _let_in(reply, call) and self._may_renew(account, call.proof):
            self._renew(account)
            request = self._prepare(account, call, until=until)
            reply = self.http.send(request, limits=call.limits, until=until)
        if not _let_in(reply, call):
            self._refused[account.id, call.proof] = self.now()
            raise VendorNotAuthorizedError(
                "LivePerson does not accept our credentials", vendor_status=reply.status
            )
        self._refused.pop((account.id, call.proof), None)
        return reply.must_be_good()

    def ask_if_there(self, account: Account, call: Call) -> Reply | None:
        """`ask`; None if LivePerson knows nothing there (404)."""
        try:
            return self.ask(account, call)
        except VendorError as error:
            if error.vendor_status == 404:
                return None
            raise

    def address(self, account: Account, service: str, *, until: float | None = None) -> str:
        """Base URL of a service, without a slash at its end."""
        if service in ZONE_HOSTS:
            if self._gateway:
                return self._gateway
            z, region = _ZONES[account.zone]
            return "https://" + ZONE_HOSTS[service].format(z=z, region=region)
        key, now = (account.id, service), self.now()
        kept = self._addresses.get(key)
        if kept is not None and now < kept[0]:
            return kept[2]
        try:
            found = self._look_up(account, service, until=until)
        except VendorError:
            if kept is None or now - kept[1] >= ADDRESS_LAST:
                raise
            self._addresses[key] = (now + ADDRESS_AGAIN, kept[1], kept[2])
            return kept[2]
        self._addresses[key] = (now + ADDRESS_KEPT, now, found)
        return found

    def _look_up(self, account: Account, service: str, *, until: float | None) -> str:
        url = f"{self._domain_api}/api/account/{account.id}/service/{service}/baseURI.json"
        request = Request("GET", with_query(url, {"version": "1.0"}))
        answer = self.http.send(request, limits=FINDING, until=until).must_be_good().json()
        host = answer.get("baseURI") if isinstance(answer, dict) else None
        if not isinstance(host, str) or not _is_host(host):
            raise VendorGarbageError("the domain API names no host")
        return f"{urlsplit(self._domain_api).scheme}://{host}"

    def token(self, account: Account, version: Literal["v1", "v2"]) -> str:
        """A bearer token of the account's app, kept until a minute before it ends."""
        key, now = (account.id, version), self.now()
        kept = self._tokens.get(key)
        if kept is not None and now < kept[0]:
            return kept[1]
        path = f"/api/account/{account.id}/app/token"
        query = {"v": "1.0"}
        if version == "v2":
            path, query = f"/api/v2/account/{account.id}/app/token", {"v": "2.0"}
        keys = self.secrets.account(account.secret)
        form = {
            "client_id": key_of(keys, "client_id"),
            "client_secret": key_of(keys, "client_secret"),
            "grant_type": "client_credentials",
        }
        url = self.address(account, "sentinel") + "/sentinel" + path
        headers = {"content-type": "application/x-www-form-urlencoded"}
        request = Request("POST", with_query(url, query), headers, urlencode(form).encode())
        reply = self.http.send(request, limits=FINDING)
        if reply.status == 400:  # what wrong credentials get is not documented: 400 or 401
            raise VendorNotAuthorizedError("LivePerson gives us no token", vendor_status=400)
        answer = reply.must_be_good().json()
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token or not token.isascii():
            raise VendorGarbageError("the token answer has no token")
        ends = token_end(answer, token, now=now) or now + TOKEN_KEPT + TOKEN_EARLY
        self._tokens[key] = (ends - TOKEN_EARLY, token)
        return token

    def _prepare(self, account: Account, call: Call, *, until: float | None) -> Request:
        try:
            url = with_query(self.address(account, call.service, until=until) + call.path,
                             call.query)  # fmt: skip
            headers = {"accept": "application/json", **(call.headers or {})}
            if call.body is not None:
                headers["content-type"] = "application/json"
            headers |= self._proof(account, call, url)
        except VendorNotAuthorizedError:
            # The token endpoint refuses the client secret: it may just have been rotated.
            if not self._may_renew(account, call.proof):
                raise
            self._refused[account.id, call.proof] = self.now()
            self._renew(account)
            return self._prepare(account, call, until=until)
        except (VendorUnavailableError, VendorGarbageError) as error:
            raise VendorNotReachedError("LivePerson could not be asked: no address or token",
                                        vendor_status=error.vendor_status) from error  # fmt: skip
        body = b"" if call.body is None else compact(call.body)
        return Request(call.method, url, headers, body)

    def _proof(self, account: Account, call: Call, url: str) -> dict[str, str]:
        if call.proof is None:
            return {}
        if call.proof in ("v1", "v2"):
            return {"authorization": f"Bearer {self.token(account, call.proof)}"}
        if call.proof == "app":
            return {"authorization": self.token(account, "v1")}
        keys = self.secrets.account(account.secret)
        if call.proof == "maven":
            return {"maven-api-key": key_of(keys, "maven_api_key")}
        return {"authorization": sign(call.method, url, keys=keys, now=self.now())}

    def _may_renew(self, account: Account, proof: Proof | None) -> bool:
        refused = self._refused.get((account.id, proof))
        return refused is None or self.now() - refused >= REFUSED_KEPT

    def _renew(self, account: Account) -> None:
        self.secrets.forget(account.secret)
        for version in ("v1", "v2"):
            self._tokens.pop((account.id, version), None)


def _is_host(text: str) -> bool:
    """Whether this can be connected to: a name in plain ASCII (LivePerson's all are), a port."""
    found = _HOST.match(text)
    return found is not None and len(found[1]) <= 253 and 0 < int(found[2] or "443") <= HIGHEST_PORT


def _let_in(reply: Reply, call: Call) -> bool:
    """False for 401 and 403, and for the proactive service's `{"message": "jwt expired"}`, whose
    status no document gives: below 500 it is told by its body, which has nothing else in it."""
    if reply.status in (401, 403):
        return False
    if call.proof not in ("v1", "v2") or reply.status >= 500 or b"jwt expired" not in reply.body:
        return True
    try:
        answer = reply.json()
    except VendorGarbageError:
        return True
    return not (isinstance(answer, dict) and answer.get("message") == "jwt expired"
                and "proactiveCampaignId" not in answer)  # fmt: skip
