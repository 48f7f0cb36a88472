"""Customers text our numbers in Twilio's simulator: webhooks, keywords, pictures, TwiML answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from local.serving import Answer
from local.twilio import StoryError, signature
from tests.twilio_sim_rig import ANA, BEN, OTHER, OURS, SERVICE, Rig, twilio

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def rig(clock: Any) -> Iterator[Rig]:
    with twilio(clock) as made:
        yield made


def said_by_twilio(rig: Rig, phone: str = ANA) -> list[str]:
    return [t.body.split()[0] for t in rig.sim.handset(phone) if t.kind == "carrier"]


def test_a_text_is_posted_whole_and_signed(rig: Rig) -> None:
    rig.sim.phone(BEN, city="PASADENA", region="CA", postal_code="91101")
    text = rig.sim.text("+19995550123", OURS, " Où est-ce ? 😀 ")
    rig.sim.text(BEN, OURS, "Hello")
    assert text is not None
    rig.sim.run()
    first, second = rig.side.forms("/sms")
    assert first == {
        "MessageSid": text.sid, "SmsSid": text.sid, "SmsMessageSid": text.sid,
        "AccountSid": rig.sim.account_sid, "From": "+19995550123", "To": OURS,
        "Body": " Où est-ce ? 😀 ", "NumMedia": "0", "NumSegments": "1", "SmsStatus": "received",
        "ApiVersion": "2010-04-01", "FromCity": "", "FromState": "", "FromZip": "",
        "FromCountry": "US", "ToCity": "NEW YORK", "ToState": "NY", "ToZip": "", "ToCountry": "US",
    }  # fmt: skip
    assert (second["FromCity"], second["FromState"], second["FromZip"]) == (
        "PASADENA", "CA", "91101")  # fmt: skip
    request = rig.side.got[0]
    url = f"{rig.side.url}/sms"
    wanted = signature(url, first, token=rig.sim.auth_token)
    assert request.headers["x-twilio-signature"] == wanted
    assert request.headers["content-type"].startswith("application/x-www-form-urlencoded")
    without_blanks = {name: value for name, value in first.items() if value}
    assert signature(url, without_blanks, token=rig.sim.auth_token) != wanted
    shown = rig.api.get("/Messages.json", From=BEN).json()["messages"][0]
    assert (shown["direction"], shown["status"]) == ("inbound", "received")


def test_texts_arrive_several_times_and_in_disorder(rig: Rig) -> None:
    for body in "abcdef":
        rig.sim.text(ANA, OURS, body)
    rig.sim.deliver_callbacks(copies=2, shuffle=True)
    bodies = [form["Body"] for form in rig.side.forms("/sms")]
    assert sorted(bodies) == sorted("abcdef" * 2)
    assert bodies != list("aabbccddeeff")


def test_pictures_are_links_that_need_our_password(rig: Rig) -> None:
    rig.sim.text(ANA, OURS, "", media=["image/jpeg", ("image/png", b"a ring")])
    rig.sim.run()
    form = rig.side.forms("/sms")[0]
    assert form["MessageSid"].startswith("MM")
    assert (form["NumMedia"], form["Body"]) == ("2", "")
    assert (form["MediaContentType0"], form["MediaContentType1"]) == ("image/jpeg", "image/png")
    with httpx.Client(trust_env=False, verify=False) as http:
        assert http.get(form["MediaUrl1"]).status_code == 401
        found = http.get(form["MediaUrl1"], auth=(rig.sim.account_sid, rig.sim.auth_token))
    assert (found.content, found.headers["content-type"]) == (b"a ring", "image/png")
    listed = rig.api.get(f"/Messages/{form['MessageSid']}/Media.json").json()["media_list"]
    assert [one["content_type"] for one in listed] == ["image/jpeg", "image/png"]
    assert rig.api.delete(listed[1]["uri"]).status_code == 204
    assert rig.api.get(listed[1]["uri"]).status_code == 404
    assert rig.api.get(listed[0]["uri"]).json()["content_type"] == "image/jpeg"


def test_media_may_be_open_to_all(clock: Any) -> None:
    with twilio(clock, media_needs_auth=False) as rig:
        rig.sim.text(ANA, OURS, "", media=["image/jpeg"])
        rig.sim.run()
        with httpx.Client(trust_env=False, verify=False) as http:
            assert http.get(rig.side.forms("/sms")[0]["MediaUrl0"]).content == b"picture"


@pytest.mark.parametrize("word", ["STOP", "stop", "StopAll", "Unsubscribe", "CANCEL", "end", "QUIT",
                                  "REVOKE", "OPTOUT"])  # fmt: skip
def test_twilio_obeys_and_answers_one_word(rig: Rig, word: str) -> None:
    rig.sim.text(ANA, OURS, word)
    rig.sim.run()
    assert [form["Body"] for form in rig.side.forms("/sms")] == [word]  # posted all the same
    assert "OptOutType" not in rig.side.forms("/sms")[0]
    assert said_by_twilio(rig) == ["You"]
    assert rig.api.send().status_code == 400


@pytest.mark.parametrize("words", ["stop please", "OPT OUT", "STOP.", "ARRET", "stopp"])
def test_everything_else_is_ours_to_understand(rig: Rig, words: str) -> None:
    rig.sim.text(ANA, OURS, words)
    assert said_by_twilio(rig) == []
    assert rig.api.send().status_code == 201


def test_help_and_start(rig: Rig) -> None:
    for word in ("HELP", "YES", "STOP", "STOP", "INFO", "START", "info"):
        rig.sim.text(ANA, OURS, word)
    # YES lifts nothing here, the second STOP and the INFO after it get no answer
    assert said_by_twilio(rig) == ["Reply", "You", "You", "Reply"]
    assert "re-subscribed" in rig.sim.handset(ANA)[2].body


def test_start_may_be_answered_always(clock: Any) -> None:
    with twilio(clock, start_answered="always") as rig:
        rig.sim.text(ANA, OURS, "yes")
        assert said_by_twilio(rig) == ["You"]


def test_advanced_opt_out_names_the_keyword(rig: Rig) -> None:
    service = rig.sim.services.add("relay", OURS, sid=SERVICE, advanced_opt_out=True)
    rig.sim.text(ANA, OURS, "stop")
    rig.sim.text(ANA, OURS, "start")
    rig.sim.text(ANA, OURS, "hello")
    rig.sim.run()
    assert [form.get("OptOutType") for form in rig.side.forms("/sms")] == ["STOP", "START", None]
    assert {form["MessagingServiceSid"] for form in rig.side.forms("/sms")} == {service.sid}


def test_a_service_may_keep_inbound_texts_to_itself(rig: Rig) -> None:
    service = rig.sim.services.add("relay", OURS, sid=SERVICE, use_inbound_webhook_on_number=False)
    rig.sim.text(ANA, OURS, "lost")
    service.inbound_request_url = f"{rig.side.url}/service"
    rig.sim.text(ANA, OURS, "kept")
    rig.sim.run()
    assert [form["Body"] for form in rig.side.forms("/service")] == ["kept"]
    assert rig.side.forms("/sms") == []


def test_a_text_to_nobodys_number_is_lost(rig: Rig) -> None:
    assert rig.sim.text(ANA, OTHER, "anybody?") is None
    rig.sim.numbers.add(OTHER)
    assert rig.sim.text(ANA, OTHER, "no webhook") is not None
    assert rig.sim.run() == 0


def test_get_webhooks_carry_all_in_the_query(rig: Rig) -> None:
    rig.sim.numbers[OURS].sms_method = "GET"
    rig.sim.numbers[OURS].sms_url = f"{rig.side.url}/sms?x=1"
    rig.sim.text(ANA, OURS, "a b")
    rig.sim.run()
    request = rig.side.got[0]
    assert (request.method, request.query["Body"], request.query["x"]) == ("GET", "a b", "1")
    wanted = signature(rig.side.url + request.target, {}, token=rig.sim.auth_token)
    assert request.headers["x-twilio-signature"] == wanted


def test_when_we_fail_the_fallback_is_asked(rig: Rig) -> None:
    rig.sim.numbers[OURS].sms_fallback_url = f"{rig.side.url}/fallback"
    rig.side.says("/sms", "", status=503)
    rig.sim.text(ANA, OURS, "hello")
    rig.sim.run()
    form = rig.side.forms("/fallback")[0]
    assert (form["ErrorCode"], form["ErrorUrl"], form["Body"]) == (
        "11200", f"{rig.side.url}/sms", "hello")  # fmt: skip
    assert [alert.code for alert in rig.sim.alerts] == [11200]


def test_too_slow_an_answer_is_none(rig: Rig) -> None:
    rig.sim.numbers[OURS].sms_url = f"{rig.side.url}/sms#rt=100&rc=1&rp=rt"
    rig.side.site.faults.add("POST /sms", "latency", seconds=0.4)
    rig.sim.text(ANA, OURS, "hello")
    rig.sim.run()
    assert [one.status for one in rig.sim.sent] == [0, 0]
    assert [alert.code for alert in rig.sim.alerts] == [11205]


# ------------------------------------------------------------ TwiML answers
def test_a_message_in_the_answer_is_a_text(rig: Rig) -> None:
    rig.side.says("/sms", "<Message>Thanks &amp; see you</Message><Message to='+12135550124'>"
                  f"<Body>For Ben</Body><Media>{rig.side.url}/x.jpg</Media></Message>")  # fmt: skip
    rig.sim.text(ANA, OURS, "hello")
    rig.sim.run()
    rig.pass_time(1)
    assert [(t.body, t.kind) for t in rig.sim.handset(ANA)] == [("Thanks & see you", "twiml")]
    assert rig.sim.handset(BEN)[0].media == (f"{rig.side.url}/x.jpg",)
    assert [m.direction for m in rig.sim.messages] == [
        "inbound", "outbound-reply", "outbound-reply"]  # fmt: skip


def test_a_reply_is_sent_once_though_the_webhook_came_thrice(rig: Rig) -> None:
    rig.side.says("/sms", "<Message>Hello</Message>")
    rig.sim.text(ANA, OURS, "hello")
    rig.sim.deliver_callbacks(copies=3)
    rig.pass_time(9)
    assert len(rig.side.forms("/sms")) == 3
    assert len(rig.sim.handset(ANA)) == 1


def test_a_reply_to_stop_never_arrives(rig: Rig) -> None:
    rig.side.says("/sms", "<Message>Sorry to see you go</Message>")
    rig.sim.text(ANA, OURS, "STOP")
    rig.sim.run()
    assert [t.kind for t in rig.sim.handset(ANA)] == ["carrier"]
    assert [alert.code for alert in rig.sim.alerts] == [21610]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(200, b'{"ok": true}', {"content-type": "application/json"}), 12300),
        (Answer(200, b"<Response><Message>", {"content-type": "text/xml"}), 12100),
        (Answer(200, b"<Reply/>", {"content-type": "text/xml"}), 12100),
        (Answer(200, b"<Response><Say>x</Say></Response>", {"content-type": "text/xml"}), 12200),
        (Answer(200, b"<Response>hello</Response>", {"content-type": "text/xml"}), 12200),
        (Answer(200, b"<Response>" + b" " * 65536 + b"</Response>",
                {"content-type": "text/xml"}), 11750),
        (Answer(302, b"", {"location": "/elsewhere"}), 11200),
    ],
)  # fmt: skip
def test_answers_that_make_no_sense(rig: Rig, answer: Answer, code: int) -> None:
    rig.side.answers["/sms"] = [answer]
    rig.sim.text(ANA, OURS, "hello")
    rig.sim.run()
    assert [alert.code for alert in rig.sim.alerts] == [code]
    assert rig.sim.handset(ANA) == []


@pytest.mark.parametrize("answer", [Answer(204), Answer(200, b"")])
def test_no_answer_is_needed(rig: Rig, answer: Answer) -> None:
    rig.side.answers["/sms"] = [answer]
    rig.sim.text(ANA, OURS, "hello")
    rig.sim.run()
    assert rig.sim.alerts == []


def test_a_story_cannot_ask_for_nonsense(rig: Rig) -> None:
    with pytest.raises(StoryError):
        rig.sim.phone(ANA, asleep=True)
    with pytest.raises(StoryError):
        rig.sim.call(ANA, OTHER)
    with pytest.raises(StoryError):
        rig.sim.numbers.add(OURS)
    with pytest.raises(StoryError):
        rig.sim.services.add("relay", OTHER)
