"""Calls in Twilio's simulator: our TwiML is carried out, our webhooks are asked and told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from local.twilio import StoryError, signature
from tests.twilio_sim_rig import ANA, OURS, Rig, twilio

pytestmark = pytest.mark.enable_socket
MENU = ('<Gather numDigits="1" action="/choice"><Say>Press 1 for a text.</Say></Gather>'
        "<Say>Please hold.</Say>")  # fmt: skip


@pytest.fixture
def rig(clock: Any) -> Iterator[Rig]:
    with twilio(clock) as made:
        yield made


def test_a_call_is_asked_about_and_its_end_is_told(rig: Rig) -> None:
    rig.side.says("/voice", "<Say>We take texts only.</Say><Hangup/><Say>Never.</Say>")
    call = rig.sim.call(ANA, OURS)
    assert (call.said, call.status, call.ended_by) == (["We take texts only."], "completed", "us")
    form = rig.side.forms("/voice")[0]
    assert {name: form[name] for name in (
        "CallSid", "AccountSid", "From", "To", "Caller", "Called", "CallStatus", "Direction",
        "ApiVersion", "FromCity", "FromState", "FromZip")} == {
        "CallSid": call.sid, "AccountSid": rig.sim.account_sid, "From": ANA, "To": OURS,
        "Caller": ANA, "Called": OURS, "CallStatus": "ringing", "Direction": "inbound",
        "ApiVersion": "2010-04-01", "FromCity": "LOS ANGELES", "FromState": "CA", "FromZip": "",
    }  # fmt: skip
    assert rig.side.forms("/ended") == []
    rig.sim.run()
    last = rig.side.forms("/ended")[0]
    assert (last["CallSid"], last["CallStatus"], last["CallDuration"]) == (
        call.sid, "completed", "0")  # fmt: skip
    for request, path, sent in zip(rig.side.got, ("voice", "ended"), (form, last), strict=True):
        wanted = signature(f"{rig.side.url}/{path}", sent, token=rig.sim.auth_token)
        assert request.headers["x-twilio-signature"] == wanted


def test_one_digit_leads_to_the_action(rig: Rig) -> None:
    rig.side.says("/voice", MENU)
    rig.side.says("/choice", "<Say>Sent.</Say>")
    call = rig.sim.call(ANA, OURS)
    assert (call.waiting, call.status, call.said) == (True, "in-progress", ["Press 1 for a text."])
    rig.clock.advance(23)
    call.press("19")
    form = rig.side.forms("/choice")[0]
    assert (form["Digits"], form["CallStatus"], form["FinishedOnKey"]) == ("1", "in-progress", "")
    assert call.said == ["Press 1 for a text.", "Sent."]
    rig.sim.run()
    assert rig.side.forms("/ended")[0]["CallDuration"] == "23"
    assert call.pages == [f"{rig.side.url}/voice", f"{rig.side.url}/choice"]


def test_silence_falls_through_to_the_next_verb(rig: Rig) -> None:
    rig.side.says("/voice", MENU)
    call = rig.sim.call(ANA, OURS).wait()
    assert (call.said[-1], call.over, rig.side.forms("/choice")) == ("Please hold.", True, [])


def test_silence_may_lead_to_the_action(rig: Rig) -> None:
    rig.side.says("/voice", '<Gather actionOnEmptyResult="true" action="choice?try=2"/>')
    rig.side.says("/choice", MENU, "<Hangup/>")
    call = rig.sim.call(ANA, OURS).wait()
    assert rig.side.forms("/choice")[0]["Digits"] == ""
    assert call.waiting
    call.press("2")
    assert call.over
    assert rig.side.got[-2].target == "/choice?try=2"


def test_several_digits_end_with_a_key_or_with_silence(rig: Rig) -> None:
    rig.side.says("/voice", "<Gather><Say>Number?</Say></Gather>", "<Gather finishOnKey='*'/>")
    call = rig.sim.call(ANA, OURS).press("12").press("3#")
    assert [(f["Digits"], f["FinishedOnKey"]) for f in rig.side.forms("/voice")[1:]] == [
        ("123", "#")
    ]  # the action is the same page when nothing is said
    call.press("4#5").wait()
    assert rig.side.forms("/voice")[-1]["Digits"] == "4#5"


@pytest.mark.parametrize(
    ("reject", "status"),
    [("<Reject/>", "no-answer"), ('<Reject reason="busy"/>', "busy")],
)
def test_a_rejected_call_is_never_answered(rig: Rig, reject: str, status: str) -> None:
    rig.side.says("/voice", f"{reject}<Say>Never.</Say>")
    call = rig.sim.call(ANA, OURS)
    assert (call.status, call.answered_at, call.said) == (status, None, [])
    rig.sim.run()
    assert rig.side.forms("/ended")[0]["CallStatus"] == status


def test_who_was_answered_cannot_be_rejected(rig: Rig) -> None:
    rig.side.says("/voice", MENU)
    rig.side.says("/choice", "<Reject/>")
    call = rig.sim.call(ANA, OURS).press("2")
    assert (call.status, call.ended_by) == ("completed", "us")


def test_redirects_are_followed_until_they_go_round(rig: Rig) -> None:
    rig.side.says("/voice", "<Say>One</Say><Redirect>/two</Redirect><Say>Never</Say>")
    rig.side.says("/two", "<Pause length='1'/><Play>ring.mp3</Play><Say loop='2'>Two</Say>")
    call = rig.sim.call(ANA, OURS)
    assert (call.said, call.played) == (["One", "Two", "Two"], ["ring.mp3"])
    rig.side.says("/two", "<Redirect>/two</Redirect>")
    assert rig.sim.call(ANA, OURS).status == "failed"
    assert [alert.code for alert in rig.sim.alerts] == [11200]


def test_the_caller_hangs_up_half_way(rig: Rig) -> None:
    rig.side.says("/voice", MENU)
    call = rig.sim.call(ANA, OURS).hang_up()
    assert (call.status, call.ended_by) == ("completed", "caller")
    rig.sim.run()
    assert rig.side.forms("/ended")[0]["CallStatus"] == "completed"
    for act in (call.hang_up, call.wait, lambda: call.press("1")):
        with pytest.raises(StoryError):
            act()
    assert rig.sim.phone_calls == [call]


@pytest.mark.parametrize(
    "document",
    ["<Gather><Hangup/></Gather>", "<Dial>+12125550199</Dial>", "<Say></Say>", "<Say voiec='x'>a</Say>",
     "<Say>" + "x" * 4097 + "</Say>"],
)  # fmt: skip
def test_wrong_twiml_is_an_alert(rig: Rig, document: str) -> None:
    rig.side.says("/voice", document)
    rig.sim.call(ANA, OURS)
    assert len(rig.sim.alerts) == 1


def test_an_error_of_ours_is_what_the_caller_hears(rig: Rig) -> None:
    rig.side.says("/voice", "", status=500)
    call = rig.sim.call(ANA, OURS)
    assert (call.status, call.ended_by) == ("failed", "error")
    assert call.said == ["An application error has occurred."]
    rig.sim.numbers[OURS].voice_fallback_url = f"{rig.side.url}/spare"
    rig.side.says("/spare", "<Say>Please call the store.</Say>")
    assert rig.sim.call(ANA, OURS).said == ["Please call the store."]
    assert rig.side.forms("/spare")[0]["ErrorUrl"] == f"{rig.side.url}/voice"
    rig.sim.numbers[OURS].voice_url = ""
    assert rig.sim.call(ANA, OURS).status == "failed"


def test_withheld_numbers_and_call_tokens(clock: Any) -> None:
    with twilio(clock, call_token=True) as rig:
        rig.side.says("/voice", "<Hangup/>")
        rig.sim.call("anonymous", OURS)
        form = rig.side.forms("/voice")[0]
        assert (form["From"], form["FromCity"]) == ("anonymous", "")
        assert form["StirVerstat"] == "TN-Validation-Passed-A"


def test_voice_over_https_is_signed_without_the_port(rig: Rig) -> None:
    rig.sim.leads("https://sms.example.com:8443", to=rig.side.url)
    rig.sim.numbers[OURS].voice_url = "https://sms.example.com:8443/voice"
    rig.sim.numbers[OURS].sms_url = "https://sms.example.com:8443/sms"
    rig.sim.call(ANA, OURS)
    rig.sim.text(ANA, OURS, "hello")
    rig.sim.run()
    signed = {one.path: one.headers["x-twilio-signature"] for one in rig.side.got}
    token = rig.sim.auth_token
    assert signed["/voice"] == signature(
        "https://sms.example.com/voice", rig.side.forms("/voice")[0], token=token)  # fmt: skip
    assert signed["/sms"] == signature(
        "https://sms.example.com:8443/sms", rig.side.forms("/sms")[0], token=token)  # fmt: skip


def test_the_caller_can_be_texted_while_on_the_phone(rig: Rig) -> None:
    """Our webhook calls Twilio back before it answers: neither waits for the other."""

    def answer(request: Any) -> Any:
        rig.api.send(body="Your text.")
        return menu(request)

    menu = rig.side.site.handle
    rig.side.says("/voice", "<Say>We have texted you.</Say>")
    rig.side.site.handle = answer
    call = rig.sim.call(ANA, OURS)
    rig.sim.run()
    assert call.said == ["We have texted you."]
    assert rig.sim.handset(ANA)[0].body == "Your text."
