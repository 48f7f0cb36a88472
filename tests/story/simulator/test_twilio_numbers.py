"""Twilio's simulator sells numbers: search, purchase, configuration, release, sender pools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.twilio_sim_rig import ANA, OTHER, OURS, SERVICE, Rig, code_of, twilio

pytestmark = pytest.mark.enable_socket
LOCAL = "/AvailablePhoneNumbers/US/Local.json"
OWNED = "/IncomingPhoneNumbers.json"
POOL = f"/v1/Services/{SERVICE}/PhoneNumbers"


@pytest.fixture
def rig(clock: Any) -> Iterator[Rig]:
    with twilio(clock) as made:
        yield made


def offers(rig: Rig, path: str = LOCAL, **query: str) -> list[str]:
    found = rig.api.get(path, **query).json()["available_phone_numbers"]
    return [one["phone_number"] for one in found]


def areas(rig: Rig, **query: str) -> list[str]:
    return sorted({number[2:5] for number in offers(rig, PageSize="1000", **query)})


def buy(rig: Rig, **fields: str) -> httpx.Response:
    return rig.api.post(OWNED, **fields)


# ------------------------------------------------------------ search
def test_what_is_for_sale_has_a_place_and_capabilities(rig: Rig) -> None:
    reply = rig.api.get(LOCAL, AreaCode="626", SmsEnabled="true", PageSize="1")
    assert reply.json()["available_phone_numbers"] == [{
        "phone_number": "+16265550160", "friendly_name": "(626) 555-0160", "iso_country": "US",
        "region": "CA", "locality": "Pasadena", "postal_code": "91101", "lata": None,
        "rate_center": "PASADENA", "latitude": "34.100000", "longitude": "-118.100000",
        "capabilities": {"voice": True, "sms": True, "mms": True},
        "address_requirements": "none", "beta": False,
    }]  # fmt: skip


def test_filters_by_place(rig: Rig) -> None:
    assert areas(rig, AreaCode="213") == ["213"]
    assert areas(rig, InRegion="MN") == ["612", "651", "763", "952"]
    assert areas(rig, InPostalCode="91101") == ["626"]
    assert areas(rig, InLocality="New York") == ["212", "332", "646", "917"]
    assert areas(rig, NearNumber="+16265550123") == [
        "213", "310", "323", "424", "626", "714", "747", "818"]  # fmt: skip
    assert areas(rig, NearNumber="+16265550123", Distance="5") == ["626"]
    assert areas(rig, NearLatLong="45.0,-93.2") == ["612", "651", "763", "952"]
    assert areas(rig, NearNumber="+19995550123") == []
    assert areas(rig, AreaCode="999") == []
    assert offers(rig, "/AvailablePhoneNumbers/CA/Local.json", InRegion="QC")[0][:5] == "+1514"


def test_filters_by_digits_and_capability(rig: Rig) -> None:
    dumb = rig.sim.numbers.market.stock("626", 2, sms=False)
    assert offers(rig, AreaCode="626", SmsEnabled="false") == dumb
    assert dumb[0] not in offers(rig, AreaCode="626", SmsEnabled="true")
    assert offers(rig, Contains="+1626555019*", AreaCode="626")[0] == "+16265550190"
    assert offers(rig, Contains="RING", AreaCode="626") == []
    assert {number[-2:] for number in offers(rig, Contains="61$")} == {"61"}


@pytest.mark.parametrize(
    "query",
    [{"AreaCode": "x"}, {"SmsEnabled": "yes"}, {"NearNumber": "626"}, {"NearLatLong": "here"},
     {"Distance": "501"}, {"Contains": "(626)"}, {"Colour": "blue"}, {"PageSize": "0"}],
)  # fmt: skip
def test_wrong_searches(rig: Rig, query: dict[str, str]) -> None:
    assert code_of(rig.api.get(LOCAL, **query)) == (400, 20001)


def test_other_countries_are_not_found(rig: Rig) -> None:
    path = "/AvailablePhoneNumbers/DE/Local.json"
    assert code_of(rig.api.get(path)) == (404, 20404)


# ------------------------------------------------------------ purchase
def test_a_bought_number_is_configured_and_works(rig: Rig) -> None:
    reply = buy(rig, PhoneNumber="+16265550160", FriendlyName="tag-1",
                SmsUrl=f"{rig.side.url}/sms", VoiceUrl=f"{rig.side.url}/voice",
                StatusCallback=f"{rig.side.url}/ended", BundleSid="BU" + "1" * 32)  # fmt: skip
    assert reply.status_code == 201
    shown = reply.json()
    assert {name: shown[name] for name in (
        "phone_number", "friendly_name", "sms_url", "sms_method", "voice_url", "status_callback",
        "bundle_sid", "capabilities", "date_created")} == {
        "phone_number": "+16265550160", "friendly_name": "tag-1",
        "sms_url": f"{rig.side.url}/sms", "sms_method": "POST",
        "voice_url": f"{rig.side.url}/voice", "status_callback": f"{rig.side.url}/ended",
        "bundle_sid": "BU" + "1" * 32,
        "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
        "date_created": "Wed, 18 Nov 2026 17:00:00 +0000",
    }  # fmt: skip
    assert rig.api.get(f"/IncomingPhoneNumbers/{shown['sid']}.json").json() == shown
    rig.sim.text(ANA, "+16265550160", "hello")
    rig.sim.run()
    assert len(rig.side.forms("/sms")) == 1
    assert rig.api.send(From="+16265550160").status_code == 201


def test_one_number_is_sold_once_and_an_area_code_again_and_again(rig: Rig) -> None:
    number = offers(rig, AreaCode="626")[0]
    assert buy(rig, PhoneNumber=number).status_code == 201
    assert code_of(buy(rig, PhoneNumber=number)) == (400, 21422)
    assert number not in offers(rig, AreaCode="626")
    first, second = (buy(rig, AreaCode="626").json()["phone_number"] for _ in range(2))
    assert first != second
    assert len(rig.sim.numbers) == 4


def test_a_search_reserves_nothing(rig: Rig) -> None:
    number = offers(rig, AreaCode="626")[0]
    rig.sim.numbers.market.snatch(number)
    assert code_of(buy(rig, PhoneNumber=number)) == (400, 21422)
    rig.sim.numbers.market.sell_out("626")
    assert code_of(buy(rig, AreaCode="626")) == (400, 21452)
    assert offers(rig, AreaCode="626") == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [({}, 20001), ({"PhoneNumber": "626"}, 21421), ({"AreaCode": "626", "SmsUrl": "sms"}, 21402),
     ({"AreaCode": "626", "FriendlyName": "x" * 65}, 20002),
     ({"AreaCode": "626", "SmsMethod": "PUT"}, 20001)],
)  # fmt: skip
def test_wrong_purchases_buy_nothing(rig: Rig, fields: dict[str, str], code: int) -> None:
    assert code_of(buy(rig, **fields)) == (400, code)
    assert len(rig.sim.numbers) == 1


def test_bought_although_the_answer_was_lost(rig: Rig) -> None:
    rig.sim.faults.add("POST .*/IncomingPhoneNumbers.json", "reset", processed=True, times=1)
    with pytest.raises(httpx.TransportError):
        buy(rig, AreaCode="626", FriendlyName="tag-9")
    found = rig.api.get(OWNED, FriendlyName="tag-9").json()["incoming_phone_numbers"]
    assert [one["phone_number"] for one in found] == ["+16265550160"]


def test_owned_numbers_are_listed_by_name_and_number(rig: Rig) -> None:
    for name in ("a", "b", "b"):
        buy(rig, AreaCode="626", FriendlyName=name)

    def listed(**query: str) -> list[str]:
        found = rig.api.get(OWNED, **query).json()["incoming_phone_numbers"]
        return [one["phone_number"] for one in found]

    assert listed(FriendlyName="b") == ["+16265550161", "+16265550162"]
    assert listed(PhoneNumber=OURS) == [OURS]
    page = rig.api.get(OWNED, PageSize="3").json()
    assert len(page["incoming_phone_numbers"]) == 3
    rest = rig.api.get(page["next_page_uri"]).json()
    assert [one["friendly_name"] for one in rest["incoming_phone_numbers"]] == ["b"]
    assert rest["next_page_uri"] is None
    other = rig.sim.add_account("AC" + "b" * 32)
    with httpx.Client(base_url=rig.sim.url, auth=(other.sid, other.auth_token), trust_env=False,
                      verify=False) as http:  # fmt: skip
        path = f"/2010-04-01/Accounts/{other.sid}"
        assert http.get(f"{path}{OWNED}").json()["incoming_phone_numbers"] == []
        stolen = http.post(f"{path}/Messages.json", data={"To": ANA, "From": OURS, "Body": "x"})
        assert code_of(stolen) == (400, 21660)


def test_a_released_number_is_gone_with_all_that_hung_on_it(rig: Rig) -> None:
    sid = rig.sim.numbers[OURS].sid
    service = rig.sim.services.add("relay", OURS, sid=SERVICE)
    rig.api.send(From=None, MessagingServiceSid=SERVICE)
    rig.sim.run()
    assert service.sticky == {ANA: OURS}
    assert rig.api.delete(f"/IncomingPhoneNumbers/{sid}.json").status_code == 204
    assert code_of(rig.api.delete(f"/IncomingPhoneNumbers/{sid}.json")) == (404, 20404)
    assert (service.pool, service.sticky) == ([], {})
    assert rig.sim.text(ANA, OURS, "anybody?") is None
    assert code_of(rig.api.send()) == (400, 21606)
    assert OURS not in offers(rig, AreaCode="212")
    rig.sim.numbers.market.put_back(OURS)
    assert buy(rig, PhoneNumber=OURS).status_code == 201


def test_a_number_may_be_reconfigured_or_taken_away(rig: Rig) -> None:
    path = f"/IncomingPhoneNumbers/{rig.sim.numbers[OURS].sid}.json"
    rig.clock.advance(60)
    shown = rig.api.post(path, SmsUrl="", FriendlyName="quarantine").json()
    assert (shown["sms_url"], shown["friendly_name"]) == ("", "quarantine")
    assert shown["date_updated"] == "Wed, 18 Nov 2026 17:01:00 +0000"
    assert code_of(rig.api.post(path, FriendlyName="x" * 65)) == (400, 20002)
    assert code_of(rig.api.post(path, PhoneNumber=OTHER)) == (400, 20001)
    rig.sim.numbers.lose(OURS)
    assert code_of(rig.api.get(path)) == (404, 20404)
    assert OURS not in rig.sim.numbers


# ------------------------------------------------------------ services
def test_services_are_made_changed_and_ended(rig: Rig) -> None:
    made = rig.api.post("/v1/Services", FriendlyName="relay", StickySender="false",
                        ValidityPeriod="600", Usecase="mixed")  # fmt: skip
    assert made.status_code == 201
    shown = made.json()
    assert (shown["sticky_sender"], shown["validity_period"], shown["usecase"]) == (
        False, 600, "mixed")  # fmt: skip
    assert shown["date_created"] == "2026-11-18T17:00:00Z"
    path = f"/v1/Services/{shown['sid']}"
    changed = rig.api.post(path, FriendlyName="other", UseInboundWebhookOnNumber="false").json()
    assert (changed["friendly_name"], changed["use_inbound_webhook_on_number"]) == ("other", False)
    assert rig.api.get(path).json() == changed
    assert [one["sid"] for one in rig.api.get("/v1/Services").json()["services"]] == [shown["sid"]]
    rig.api.post(f"{path}/PhoneNumbers", PhoneNumberSid=rig.sim.numbers[OURS].sid)
    assert rig.api.delete(path).status_code == 204
    assert rig.sim.numbers[OURS].service == ""
    assert code_of(rig.api.get(path)) == (404, 20404)
    assert code_of(rig.api.post("/v1/Services")) == (400, 20001)


def test_a_number_is_in_one_pool_at_most(rig: Rig) -> None:
    sid = rig.sim.numbers[OURS].sid
    rig.sim.services.add("relay", sid=SERVICE)
    second = SERVICE.replace("5", "6")
    rig.sim.services.add("other", sid=second)
    joined = rig.api.post(POOL, PhoneNumberSid=sid)
    assert joined.status_code == 201
    assert (joined.json()["phone_number"], joined.json()["capabilities"]) == (
        OURS, ["MMS", "SMS", "Voice"])  # fmt: skip
    assert code_of(rig.api.post(POOL, PhoneNumberSid=sid)) == (409, 21710)
    elsewhere = f"/v1/Services/{second}/PhoneNumbers"
    assert code_of(rig.api.post(elsewhere, PhoneNumberSid=sid)) == (409, 21712)
    assert code_of(rig.api.post(POOL, PhoneNumberSid="PN" + "0" * 32)) == (404, 20404)
    assert rig.api.get(f"{POOL}/{sid}").json() == joined.json()
    assert rig.sim.services.pool(SERVICE) == [OURS]
    assert rig.api.delete(f"{POOL}/{sid}").status_code == 204
    assert code_of(rig.api.delete(f"{POOL}/{sid}")) == (404, 20404)
    assert rig.api.post(elsewhere, PhoneNumberSid=sid).status_code == 201


def test_a_pool_holds_four_hundred(rig: Rig) -> None:
    rig.sim.services.add("relay", sid=SERVICE)
    rig.sim.services.fill(SERVICE, 399)
    rig.sim.numbers.add(OTHER)
    ours, other = (rig.sim.numbers[number].sid for number in (OURS, OTHER))
    assert rig.api.post(POOL, PhoneNumberSid=ours).status_code == 201
    assert code_of(rig.api.post(POOL, PhoneNumberSid=other)) == (400, 21714)
    page = rig.api.get(POOL, PageSize="300").json()
    assert len(page["phone_numbers"]) == 300
    rest = rig.api.http.get(page["meta"]["next_page_url"]).json()
    assert [one["sid"] for one in rest["phone_numbers"]][-1] == ours
    assert rest["meta"]["next_page_url"] is None
