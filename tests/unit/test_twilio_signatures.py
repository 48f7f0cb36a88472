"""X-Twilio-Signature: the documented example, everything else that must not be taken for signed."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.line_rig import PUBLIC, SID, TOKEN, inbound, told_event

from instore.errors import NotAuthenticatedError, UnavailableError, UnknownSecretError
from instore.runtime.http import body_of
from instore.runtime.twilio_webhooks import MOST_FIELDS, TwilioWebhooks, sign, twiml

# Twilio, "Webhooks security", "Validating requests": url, fields, auth token and what comes out.
DOCUMENTED = {
    "url": "https://example.com/myapp.php?foo=1&bar=2", "token": "12345",
    "fields": {"Digits": "1234", "To": "+18005551212", "From": "+14158675310",
               "Caller": "+14158675310", "CallSid": "CA1234567890ABCDE"},
}  # fmt: skip


class Secrets:
    """One account's token; counts reads."""

    def __init__(self, token: Any = TOKEN) -> None:
        self.token, self.reads, self.known = token, [], True

    def account(self, name: str) -> dict[str, Any]:
        self.reads.append(name)
        if not self.known:
            raise UnknownSecretError("there is no such secret")
        return {"auth_token": self.token}

    def forget(self, name: str) -> None:
        self.reads.append(f"forget {name}")


def doors(secrets: Any, clock: Any, *, public: str = PUBLIC) -> TwilioWebhooks:
    return TwilioWebhooks(secrets, prefix="instore/", public_url=public, now=clock.now)


def verify(event: dict[str, Any], *, secrets: Any = None, public: str = PUBLIC) -> dict[str, str]:
    from datetime import UTC, datetime

    clock = SimpleNamespace(now=lambda: datetime(2026, 11, 18, 17, tzinfo=UTC))
    return doors(secrets or Secrets(), clock, public=public).verify(
        event, body=body_of(event, most_kb=1000)
    )


def test_the_documented_example() -> None:
    fields = {"CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234",
              "From": "+14158675309", "To": "+18005551212"}  # fmt: skip
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert sign(url, fields, token="12345") == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert sign(url.replace(".com/", ".com:443/"), fields, token="12345") == (
        "kvajT1Ptam85bY51eRf/AJRuM3w="
    )
    made = sign(DOCUMENTED["url"], DOCUMENTED["fields"], token="12345")  # type: ignore[arg-type]  # stands in for the real one
    assert made == "L/OH5YylLD5NRKLltdqwSvS0BnU="


def test_a_name_that_comes_more_often_counts_each_value_once() -> None:
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    one = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234")]
    assert sign(url, [*one, *one], token="12345") == sign(url, one, token="12345")
    assert sign(url, one[::-1], token="12345") == "IK+Dwps556ElfBT0I3Rgjkr1wJU="


def test_a_signed_form_is_taken_with_its_blanks_and_spaces() -> None:
    fields = inbound("  two spaces, ünïcode 🙂 & = + \r\n\t")
    taken = verify(told_event(fields))
    assert taken == fields
    assert (taken["FromZip"], taken["Body"][:2]) == ("", "  ")


@given(
    st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12),
                    st.text(st.characters(codec="utf-8"), max_size=30), max_size=8),
    st.sampled_from(["", "text=t-1", "a=%20b&c=+d", "x"]),
)  # fmt: skip
@example({"": ""}, "")
def test_whatever_twilio_signs_is_taken_as_it_was_said(fields: dict[str, str], query: str) -> None:
    fields = {**fields, "AccountSid": SID}
    event = told_event(fields, query="")
    event["rawQueryString"] = query
    url = f"{PUBLIC}/twilio/sms{'?' if query else ''}{query}"
    event["headers"]["x-twilio-signature"] = sign(url, fields, token=TOKEN)
    assert verify(event) == fields


_CHANGED = st.sampled_from(["drop", "value", "name", "add", "blank", "case", "swap"])


@given(_CHANGED, st.integers(0, 30), st.text(st.characters(codec="utf-8"), max_size=6), st.data())
def test_nothing_that_was_changed_is_taken(how: str, at: int, new: str, data: Any) -> None:
    fields = inbound("Hello")
    name = sorted(fields)[at % len(fields)]
    altered = dict(fields)
    if how == "drop":
        del altered[name]
    elif how == "value":
        altered[name] = fields[name] + new
    elif how == "name":
        altered[name + new] = altered.pop(name)
    elif how == "add":
        altered[new or "New"] = "1"
    elif how == "blank":
        altered[name] = ""
    elif how == "case":
        altered[name] = fields[name].swapcase()
    else:
        other = data.draw(st.sampled_from(sorted(fields)))
        altered[name], altered[other] = fields[other], fields[name]

    def signed(form: dict[str, str]) -> str:
        return "".join(f"{k}{v}" for k, v in sorted(form.items()))

    assume(signed(altered) != signed(fields))  # the scheme itself cannot tell those apart
    event = told_event(fields, body=urlencode(altered).encode())
    with pytest.raises(NotAuthenticatedError):
        verify(event)


@given(st.binary(max_size=60), st.text(st.characters(codec="ascii"), max_size=40))
def test_nothing_unsigned_is_taken(body: bytes, signature: str) -> None:
    event = told_event({}, body=body, signature=signature)
    with pytest.raises(NotAuthenticatedError):
        verify(event)
    whole = f"AccountSid={SID}&Body={quote(body)}".encode()
    assume(signature != sign(f"{PUBLIC}/twilio/sms", [("AccountSid", SID)], token=TOKEN))
    with pytest.raises(NotAuthenticatedError):
        verify(told_event({}, body=whole, signature=signature))


@given(st.lists(st.tuples(st.sampled_from(["Body", "From", "To"]), st.sampled_from("abc")),
                min_size=2, max_size=6), st.randoms())  # fmt: skip
def test_the_order_of_a_form_decides_nothing(pairs: list[tuple[str, str]], chance: Any) -> None:
    """Of a name that comes more often nobody signed the order: it must not choose the value."""
    pairs = [*pairs, ("AccountSid", SID)]
    mixed = [*pairs, pairs[0]]
    chance.shuffle(mixed)
    signature = sign(f"{PUBLIC}/twilio/sms", pairs, token=TOKEN)
    taken = [verify(told_event({}, body=urlencode(form).encode(), signature=signature))
             for form in (pairs, mixed)]  # fmt: skip
    assert taken[0] == taken[1]


def test_the_same_bytes_written_otherwise_say_the_same() -> None:
    fields = inbound("a b")
    plain = "&".join(f"{quote_plus(k)}={quote_plus(v)}" for k, v in fields.items())
    spaced = plain.replace("+b", "%20b")
    assert plain != spaced
    assert verify(told_event(fields, body=spaced.encode())) == fields


@pytest.mark.parametrize("body", [
    b"AccountSid=%FF", b"AccountSid=\xff", b"&".join([b"a=1"] * (MOST_FIELDS + 1)), b"", b"&&&",
    b'{"AccountSid": "AC"}', f"AccountSid={SID[:-1]}".encode(), f"AccountSid={SID}%0A".encode(),
    f"AccountSid={SID}/../x".encode(),
])  # fmt: skip
def test_what_is_no_form_of_an_account_is_refused_without_a_read(body: bytes) -> None:
    secrets = Secrets()
    with pytest.raises(NotAuthenticatedError):
        verify(told_event({}, body=body, signature="x"), secrets=secrets)
    assert secrets.reads == []


def test_text_or_base64_is_the_same() -> None:
    fields = inbound("Hi")
    event = told_event(fields)
    event |= {"body": base64.b64decode(event["body"]).decode(), "isBase64Encoded": False}
    assert verify(event) == fields


def test_an_address_with_a_port_is_signed_with_or_without_it() -> None:
    fields = inbound("Hi")
    for base, signed in [(PUBLIC, f"{PUBLIC}:443"), (f"{PUBLIC}:8443", PUBLIC),
                         (f"{PUBLIC}:8443", f"{PUBLIC}:8443"), (f"{PUBLIC}/", PUBLIC),
                         (f"{PUBLIC}/stage", f"{PUBLIC}/stage")]:  # fmt: skip
        assert verify(told_event(fields, public=signed), public=base) == fields


def test_the_host_header_decides_nothing_and_the_gateway_name_only_by_default() -> None:
    fields = inbound("Hi")
    event = told_event(fields, public="https://evil.example")
    event["headers"]["host"] = "evil.example"
    event["requestContext"]["domainName"] = "evil.example"
    with pytest.raises(NotAuthenticatedError):
        verify(event)
    assert verify(event, public="") == fields
    event["requestContext"]["domainName"] = "line.example.com"
    with pytest.raises(NotAuthenticatedError):
        verify(event, public="")


def test_a_path_or_a_query_of_another_route_is_another_signature() -> None:
    fields = inbound("Hi")
    event = told_event(fields)
    for change in ({"rawPath": "/twilio/status"}, {"rawQueryString": "text=t-2"}):
        with pytest.raises(NotAuthenticatedError):
            verify({**event, **change})


def test_a_rotated_token_is_read_anew_once_a_minute(clock: Any) -> None:
    secrets = Secrets("the old one")
    webhooks = doors(secrets, clock)
    event = told_event(inbound("Hi"))
    for _ in range(5):
        with pytest.raises(NotAuthenticatedError):
            webhooks.verify(event, body=body_of(event, most_kb=1000))
    assert len([one for one in secrets.reads if one.startswith("forget")]) == 1
    secrets.token = TOKEN
    assert webhooks.verify(event, body=body_of(event, most_kb=1000))["Body"] == "Hi"


def test_a_stranger_costs_one_read_a_minute(clock: Any) -> None:
    secrets = Secrets()
    secrets.known = False
    webhooks = doors(secrets, clock)
    event = told_event(inbound("Hi"))
    for _ in range(3):
        with pytest.raises(NotAuthenticatedError):
            webhooks.verify(event, body=body_of(event, most_kb=1000))
    assert secrets.reads == [f"instore/twilio/{SID.lower()}"]


@pytest.mark.parametrize("token", [None, "", 5])
def test_a_secret_without_a_token_lets_nobody_in(token: Any) -> None:
    with pytest.raises(UnavailableError):
        verify(told_event(inbound("Hi")), secrets=Secrets(token))


def told(event: dict[str, Any], *, secrets: Any = None, public: str = PUBLIC) -> dict[str, str]:
    """What the log hears of a refusal, which the caller does not."""
    with pytest.raises((NotAuthenticatedError, UnavailableError)) as caught:
        verify(event, secrets=secrets, public=public)
    assert "secret_" not in caught.value.message
    return dict(caught.value.told)


def test_the_log_is_told_what_is_wrong() -> None:
    name, missing = f"instore/twilio/{SID.lower()}", Secrets()
    missing.known = False
    good = told_event(inbound("Hi"))
    gateway = f"https://{good['requestContext']['domainName']}"
    asked = {"signed_for": f"{PUBLIC}/twilio/sms", "called_at": gateway, "secret": name}
    assert told(good, secrets=missing) == {"why": "secret_missing", "secret": name}
    assert told(good, secrets=Secrets("")) == {
        "why": "secret_unreadable", "lacks": "auth_token", "secret": name}  # fmt: skip
    assert told(good, secrets=Secrets("old")) == {"why": "signature_differs", **asked}
    assert told(told_event(inbound("Hi"), public=gateway)) == {"why": "public_url_differs", **asked}
    assert told(told_event({}, signature="x")) == {"why": "no_account"}
    assert told(told_event(inbound("Hi"), signature="")) == {"why": "no_signature"}
    assert told(told_event({}, body=b"AccountSid=%FF", signature="x")) == {"why": "no_form"}


def test_no_number_that_somebody_put_into_the_path_is_told() -> None:
    event = told_event(inbound("Hi"), path="/twilio/voice/12125550123", signature="x")
    assert told(event)["signed_for"] == f"{PUBLIC}/twilio/voice/…"


def test_a_secret_that_was_completed_is_read_anew_once_a_minute(clock: Any) -> None:
    secrets = Secrets("")
    webhooks, event = doors(secrets, clock), told_event(inbound("Hi"))
    for _ in range(3):
        with pytest.raises(UnavailableError):
            webhooks.verify(event, body=body_of(event, most_kb=1000))
    assert [one for one in secrets.reads if one.startswith("forget")] == [secrets.reads[1]]


def test_an_answer_that_says_nothing_is_twiml() -> None:
    from xml.etree import ElementTree

    answer = twiml()
    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"].startswith("text/xml")
    root = ElementTree.fromstring(answer["body"])
    assert (root.tag, list(root)) == ("Response", [])
