"""Telephone numbers at Twilio: found, bought, configured, released, put into a pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.adapters.twilio_rig import (
    ACCOUNT,
    ANA,
    LINE,
    NUMBER,
    SERVICE,
    SHOP,
    SID,
    TEXT,
    Rig,
    for_sale,
    form,
    owned,
    query,
    refusal,
)
from tests.adapters.vendor_rig import good

from instore.carrier import Candidate, Owned
from instore.carrier_codes import Effect
from instore.errors import BadInputError, TwilioRefusedError, VendorGarbageError
from instore.model import Phone

SMS_URL, VOICE_URL = "https://shop.test/twilio/sms", "https://shop.test/twilio/voice"
OURS = Owned(NUMBER, SHOP, "tag-1", SMS_URL, VOICE_URL)
BUY = {"number": SHOP, "tag": "tag-1", "sms_url": SMS_URL, "voice_url": VOICE_URL}
ALWAYS = [
    ("SmsEnabled", "true"),
    ("MmsEnabled", "true"),
    ("VoiceEnabled", "true"),
    ("Beta", "false"),
]


def sale(*numbers: Any) -> httpx.Response:
    return good({"available_phone_numbers": list(numbers), "uri": "/x"})


def page(*numbers: Any, following: Any = None) -> httpx.Response:
    return good({"incoming_phone_numbers": list(numbers), "next_page_uri": following})


@pytest.mark.parametrize(
    ("where", "asked"),
    [({}, []), ({"area_code": "212"}, [("AreaCode", "212")]),
     ({"region": "NY"}, [("InRegion", "NY")]), ({"near": SHOP}, [("NearNumber", "+12125550140")]),
     ({"postal_code": "M5V 2T6"}, [("InPostalCode", "M5V 2T6")]),
     ({"area_code": "416", "region": "ON"}, [("AreaCode", "416"), ("InRegion", "ON")])],
)  # fmt: skip
def test_search(clock: Any, where: Any, asked: Any) -> None:
    rig = Rig(
        clock, sale(for_sale("+12125550150"), for_sale("+12125550151", locality=None, region=""))
    )
    found = rig.twilio.search(LINE, country="CA", limit=5, **where)
    assert found == [Candidate(Phone("+12125550150"), "New York", "NY", "10001"),
                     Candidate(Phone("+12125550151"), None, None, "10001")]  # fmt: skip
    (request,) = rig.seen
    assert (request.method, request.url.path) == (
        "GET",
        f"{ACCOUNT}/AvailablePhoneNumbers/CA/Local.json",
    )
    assert query(request) == [*ALWAYS, ("PageSize", "5"), *asked]


def test_search_never_offers_what_is_no_good(clock: Any) -> None:
    no_text = {"voice": True, "sms": False, "mms": True}
    truthy = {"voice": True, "sms": "true", "mms": True}
    upper = {"voice": True, "SMS": True, "MMS": True}
    rig = Rig(clock, sale(
        for_sale("+18335550150"), for_sale("+12125550151", capabilities=no_text),
        for_sale("+12125550152", capabilities=truthy), for_sale("+12125550153", capabilities={}),
        for_sale("+12125550154", capabilities=upper), for_sale("+12125550155"),
    ))  # fmt: skip
    assert [str(one.number.e164) for one in rig.twilio.search(LINE, country="US", limit=1)] == [
        "+12125550154"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "answer", [[], {}, {"available_phone_numbers": None}, {"available_phone_numbers": {}},
               {"available_phone_numbers": ["+12125550150"]},
               {"available_phone_numbers": [for_sale("2125550150")]},
               {"available_phone_numbers": [for_sale("+12125550150", capabilities=None)]},
               {"available_phone_numbers": [for_sale("+12125550150", capabilities=["sms"])]},
               {"available_phone_numbers": [for_sale("+12125550150", phone_number=None)]},
               {"available_phone_numbers": [for_sale("+12125550150", locality=5)]}],
)  # fmt: skip
def test_search_answered_with_garbage(clock: Any, answer: Any) -> None:
    with pytest.raises(VendorGarbageError):
        Rig(clock, good(answer)).twilio.search(LINE, country="US")


def test_nothing_for_sale(clock: Any) -> None:
    assert Rig(clock, sale()).twilio.search(LINE, country="US", area_code="212") == []


@pytest.mark.parametrize("country", ["", "..", "U" * 256])
def test_search_in_no_country(clock: Any, country: str) -> None:
    with pytest.raises(BadInputError):
        Rig(clock, sale()).twilio.search(LINE, country=country)


def test_buy(clock: Any) -> None:
    rig = Rig(clock, good(owned(), status=201))
    assert rig.twilio.buy(LINE, **BUY) == OURS
    (request,) = rig.seen
    assert (request.method, request.url.path) == ("POST", f"{ACCOUNT}/IncomingPhoneNumbers.json")
    assert form(request) == [
        ("PhoneNumber", "+12125550140"), ("FriendlyName", "tag-1"),
        ("SmsUrl", SMS_URL), ("SmsMethod", "POST"), ("VoiceUrl", VOICE_URL), ("VoiceMethod", "POST"),
    ]  # fmt: skip


@pytest.mark.parametrize("code", [21421, 21422, 21452])
def test_a_number_that_is_gone_is_told_from_everything_else(clock: Any, code: int) -> None:
    with pytest.raises(TwilioRefusedError) as caught:
        Rig(clock, refusal(code)).twilio.buy(LINE, **BUY)
    assert (caught.value.effect, caught.value.processed) == (Effect.NOT_FOR_SALE, False)


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"number": Phone("+18445550140")}, "toll_free"), ({"tag": ""}, "invalid_tag"),
     ({"tag": "t" * 65}, "invalid_tag")],
)  # fmt: skip
def test_what_is_never_bought(clock: Any, changes: Any, code: str) -> None:
    rig = Rig(clock, good(owned(), status=201))
    with pytest.raises(BadInputError) as caught:
        rig.twilio.buy(LINE, **{**BUY, **changes})
    assert (caught.value.public_code, rig.seen) == (code, [])


BROKEN = [
    {"sid": None}, {"sid": TEXT}, {"account_sid": "AC" + "0" * 32}, {"phone_number": None},
    {"phone_number": "212"}, {"friendly_name": None}, {"friendly_name": 5}, {"sms_url": 5},
    {"sms_url": "x" * 4001}, {"voice_url": {}},
]  # fmt: skip
ASK: dict[str, Callable[[Rig], Any]] = {
    "buy": lambda rig: rig.twilio.buy(LINE, **BUY),
    "owned": lambda rig: rig.twilio.owned(LINE),
    "configure": lambda rig: rig.twilio.configure(LINE, sid=NUMBER, tag="tag-1"),
}


@pytest.mark.parametrize("changes", BROKEN)
@pytest.mark.parametrize("ask", ASK)
def test_a_number_that_cannot_be_read_is_no_information(clock: Any, ask: str, changes: Any) -> None:
    broken = owned(**changes)
    rig = Rig(clock, page(owned(), broken) if ask == "owned" else good(broken))
    with pytest.raises(VendorGarbageError) as caught:
        ASK[ask](rig)
    assert caught.value.processed is None


def test_another_number_is_not_the_one_bought(clock: Any) -> None:
    with pytest.raises(VendorGarbageError):
        Rig(clock, good(owned(phone_number=ANA.e164))).twilio.buy(LINE, **BUY)


def test_another_number_is_not_the_one_configured(clock: Any) -> None:
    with pytest.raises(VendorGarbageError):
        Rig(clock, good(owned(sid="PN" + "1" * 32))).twilio.configure(LINE, sid=NUMBER, tag="t")


def test_owned(clock: Any) -> None:
    """Every page is read; what Twilio's filter lets through besides is dropped again."""
    following = f"{ACCOUNT}/IncomingPhoneNumbers.json?FriendlyName=tag-1&Page=1&PageToken=PAPN"
    others = (owned(friendly_name="tag-11"), owned(friendly_name="TAG-1"))
    rig = Rig(clock, page(*others, following=following),
              page(owned(), owned(phone_number=ANA.e164)))  # fmt: skip
    assert rig.twilio.owned(LINE, tag="tag-1", number=SHOP) == [OURS]
    assert query(rig.seen[0]) == [
        ("PageSize", "1000"), ("FriendlyName", "tag-1"), ("PhoneNumber", "+12125550140")
    ]  # fmt: skip
    assert rig.seen[1].url.raw_path.decode() == following


def test_all_that_is_owned(clock: Any) -> None:
    bare = owned(sid="PN" + "1" * 32, friendly_name="", sms_url=None, voice_url="")
    rig = Rig(clock, page(owned(), bare))
    assert rig.twilio.owned(LINE) == [OURS, Owned("PN" + "1" * 32, SHOP, "")]
    assert query(rig.seen[0]) == [("PageSize", "1000")]


@pytest.mark.parametrize(("can", "able"), [
    ({"sms": True, "mms": True, "voice": True}, True), ({"sms": False, "voice": True}, False),
    ({"SMS": False}, False), ({"voice": True}, True), (None, True), ("sms", True),
])  # fmt: skip
def test_only_a_clear_no_says_that_a_number_cannot_text(clock: Any, can: Any, able: bool) -> None:
    rig = Rig(clock, page(owned(capabilities=can)))
    (one,) = rig.twilio.owned(LINE)
    assert one.can_text is able


def test_owned_with_a_next_page_elsewhere(clock: Any) -> None:
    rig = Rig(clock, page(owned(), following="https://elsewhere.test/?Page=1"))
    with pytest.raises(VendorGarbageError):
        rig.twilio.owned(LINE)
    assert len(rig.seen) == 1


@pytest.mark.parametrize(
    ("changes", "asked"),
    [({"tag": "left"}, [("FriendlyName", "left")]),
     ({"sms_url": ""}, [("SmsUrl", ""), ("SmsMethod", "POST")]),
     ({"voice_url": VOICE_URL}, [("VoiceUrl", VOICE_URL), ("VoiceMethod", "POST")])],
)  # fmt: skip
def test_configure(clock: Any, changes: Any, asked: Any) -> None:
    rig = Rig(clock, good(owned()))
    assert rig.twilio.configure(LINE, sid=NUMBER, **changes) == OURS
    assert rig.seen[0].url.path == f"{ACCOUNT}/IncomingPhoneNumbers/{NUMBER}.json"
    assert (rig.seen[0].method, form(rig.seen[0])) == ("POST", asked)


def test_nothing_to_configure(clock: Any) -> None:
    rig = Rig(clock, good(owned()))
    with pytest.raises(BadInputError):
        rig.twilio.configure(LINE, sid=NUMBER)
    assert rig.seen == []


@pytest.mark.parametrize(
    "answer", [httpx.Response(204), refusal(20404, status=404), httpx.Response(404)]
)
def test_release(clock: Any, answer: httpx.Response) -> None:
    rig = Rig(clock, answer)
    rig.twilio.release(LINE, sid=NUMBER)
    (request,) = rig.seen
    assert (request.method, request.url.path) == (
        "DELETE", f"{ACCOUNT}/IncomingPhoneNumbers/{NUMBER}.json"
    )  # fmt: skip


def test_release_refused(clock: Any) -> None:
    with pytest.raises(TwilioRefusedError):
        Rig(clock, refusal(21479)).twilio.release(LINE, sid=NUMBER)


def test_a_release_put_off_is_none(clock: Any) -> None:
    with pytest.raises(VendorGarbageError):
        Rig(clock, httpx.Response(202)).twilio.release(LINE, sid=NUMBER)


@pytest.mark.parametrize("sid", ["", ".", "PN1", SERVICE, f"{NUMBER}/../{NUMBER}"])
def test_only_ids_of_numbers_go_into_addresses(clock: Any, sid: str) -> None:
    rig = Rig(clock, httpx.Response(204))
    for ask in (lambda: rig.twilio.release(LINE, sid=sid),
                lambda: rig.twilio.configure(LINE, sid=sid, tag="t"),
                lambda: rig.twilio.add_to_service(LINE, service=SERVICE, sid=sid),
                lambda: rig.twilio.add_to_service(LINE, service="MG/x", sid=NUMBER)):  # fmt: skip
        with pytest.raises(BadInputError):
            ask()
    assert rig.seen == []


MEMBER = {"sid": NUMBER, "account_sid": SID, "service_sid": SERVICE, "country_code": "US"}


@pytest.mark.parametrize(
    "answer",
    [good(MEMBER, status=201), good(MEMBER), refusal(21710, status=409), refusal(21710)],
    ids=["added", "added, 200", "was in it, 409", "was in it, 400"],
)
def test_add_to_service(clock: Any, answer: httpx.Response) -> None:
    rig = Rig(clock, answer)
    rig.twilio.add_to_service(LINE, service=SERVICE, sid=NUMBER)
    (request,) = rig.seen
    assert str(request.url) == f"https://messaging.twilio.com/v1/Services/{SERVICE}/PhoneNumbers"
    assert (request.method, form(request)) == ("POST", [("PhoneNumberSid", NUMBER)])


@pytest.mark.parametrize("code", [21712, 21714])
def test_not_added_to_the_service(clock: Any, code: int) -> None:
    with pytest.raises(TwilioRefusedError) as caught:
        Rig(clock, refusal(code, status=409)).twilio.add_to_service(
            LINE, service=SERVICE, sid=NUMBER
        )
    assert caught.value.code == code


@pytest.mark.parametrize(
    "answer", [{}, [], MEMBER | {"sid": TEXT}, MEMBER | {"service_sid": "MG" + "0" * 32},
               MEMBER | {"account_sid": None}],
)  # fmt: skip
def test_added_somewhere_else_is_not_added(clock: Any, answer: Any) -> None:
    with pytest.raises(VendorGarbageError):
        Rig(clock, good(answer, status=201)).twilio.add_to_service(
            LINE, service=SERVICE, sid=NUMBER
        )
