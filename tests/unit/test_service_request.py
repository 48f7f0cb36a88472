"""Requests as values, what may be in an answer, and where a request is placed: no table, no network."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from instore.directory import Pointer
from instore.errors import BadInputError
from instore.model import Email, Phone
from instore.program import Program, load_program
from instore.program_line import Line
from instore.request_content import OTHERS, PICTURES, FileSeen, check_addresses, check_files
from instore.request_messages import REQUEST_FIRST_TEXTS, REQUEST_MESSAGES
from instore.service_request import (
    LOOKS,
    By,
    Link,
    Reply,
    RequestState,
    ServiceRequest,
    Shelf,
    Source,
    next_look,
    reply_id,
    request_id,
)
from instore.text import segments

ANNA = Pointer("10000002", "4100", "201")
LINE = Line.model_validate({
    "account_sid": "AC" + "0c" * 16, "secret": "instore/twilio/ac" + "0c" * 16,
    "media_hosts": ["media.kay.example", "127.0.0.1"], "link_hosts": ["www.kay.example"],
})  # fmt: skip


def request(now: datetime, **more: Any) -> ServiceRequest:
    return ServiceRequest(**{
        "id": "q-1", "fingerprint": "f", "source": Source.WIDGET, "by": By.TEXT, "banner": "kay",
        "account": "10000002", "group": "4100", "shelf": Shelf.LEADS, "customer": "c-1",
        "created_at": now, "phone": Phone("+12125550123"), "email": Email("a@b.example"), **more,
    })  # fmt: skip


def reply(now: datetime, **more: Any) -> Reply:
    return Reply("r-1", "q-1", "f", now, By.TEXT, ANNA, "anna@kay.example.com", "c-1",
                 **{"words": "Yes", **more})  # fmt: skip


def test_its_state_follows_from_who_has_it_and_when_it_was_answered(now: datetime) -> None:
    asked = request(now)
    taken = asked.taken(ANNA, now=now)
    answered = taken.answered_at(now + timedelta(minutes=5))
    assert [one.state for one in (asked, taken, answered)] == list(RequestState)
    assert answered.answered_at(now).replied_at == now + timedelta(minutes=5)  # stamped once
    assert taken.is_of(replace(ANNA, group="4200"))  # they moved to another store
    assert not taken.is_of(replace(ANNA, agent_id="202"))
    assert not asked.is_of(ANNA)


def test_what_was_emptied_has_nothing_of_the_person(now: datetime) -> None:
    whole = request(now, name="Ines", message="Hi", page="https://x", language="en",
                    replies=("r-1",), due_at=now).taken(ANNA, now=now)  # fmt: skip
    empty = whole.without_person()
    assert (empty.name, empty.phone, empty.email, empty.message, empty.page, empty.language) == (
        "", None, None, "", "", None)  # fmt: skip
    assert (empty.replies, empty.due_at, empty.erased, empty.pointer) == ((), None, True, ANNA)
    assert not empty.is_texted
    assert "Ines" not in repr(whole)
    assert "2125550123" not in repr(whole)


def test_it_is_looked_at_more_and_more_seldom_until_it_is_answered(now: datetime) -> None:
    asked, at, looks = request(now), now, []
    while (at := next_look(asked, now=at)) is not None:  # type: ignore[assignment]  # nothing else is asked
        looks.append(at - now)
    assert tuple(looks) == LOOKS
    assert sorted(LOOKS) == list(LOOKS)
    assert LOOKS[-1] < timedelta(days=35)  # as long as its texts are kept
    assert next_look(replace(asked, replied_at=now), now=now) is None
    assert next_look(replace(asked, erased=True), now=now) is None


def test_names_follow_from_who_asks_and_their_key() -> None:
    names = [request_id("site", key="k"), request_id("site", key="l"), request_id("other", key="k"),
             reply_id("q", associate=ANNA, key="k"), reply_id("p", associate=ANNA, key="k"),
             reply_id("q", associate=replace(ANNA, agent_id="9"), key="k")]  # fmt: skip
    assert len(set(names)) == 6
    assert request_id("site", key="k") == names[0]
    assert {len(name) for name in names} == {24}


def test_a_reply_says_its_words_and_then_each_product(now: datetime) -> None:
    links = (Link("https://www.kay.example/a", "The ring"), Link("https://www.kay.example/b"))
    assert reply(now, links=links).body == (
        "Yes\nThe ring: https://www.kay.example/a\nhttps://www.kay.example/b")  # fmt: skip
    assert reply(now, words=" ", links=links[1:]).body == "https://www.kay.example/b"


@pytest.mark.parametrize("url", [
    "https://media.kay.example/ring.jpg", "https://media.kay.example/a%20b.jpg?w=1#x",
    "http://127.0.0.1:8080/ring.jpg",
])  # fmt: skip
def test_addresses_on_listed_hosts_pass(now: datetime, url: str) -> None:
    check_addresses(reply(now, media=(url,), links=(Link(url),)), line=LINE)


@pytest.mark.parametrize(("url", "code"), [
    ("https://evil.example/a.jpg", "host_not_listed"),
    ("https://sub.media.kay.example/a.jpg", "host_not_listed"),
    ("https://media.kay.example.evil.example/a.jpg", "host_not_listed"),
    ("https://xn--mdia-bpa.kay.example/a.jpg", "host_not_listed"),
    ("http://media.kay.example/a.jpg", "bad_address"),
    ("https://media.kay.example:443/a.jpg", "bad_address"),
    ("https://user@media.kay.example/a.jpg", "bad_address"),
    ("https://evil.example\\@media.kay.example/a", "bad_address"),
    ("https://media.kay.example/a b.jpg", "bad_address"),
    ("https://media.kay.example/\u202egpj.a", "bad_address"),
    ("https://médiá.kay.example/a.jpg", "bad_address"), ("ftp://media.kay.example/a", "bad_address"),
    ("javascript:alert(1)", "bad_address"), ("//media.kay.example/a", "bad_address"),
    ("https://", "bad_address"), ("https://[::1", "bad_address"), ("https://media.kay.example:x/", "bad_address"),
    ("https://127.0.0.1:8443/a", "bad_address"), ("http://169.254.169.254/latest", "bad_address"),
])  # fmt: skip
def test_addresses_elsewhere_are_refused(now: datetime, url: str, code: str) -> None:
    for more in ({"media": (url,)}, {"links": (Link(url),)}):
        with pytest.raises(BadInputError) as refused:
            check_addresses(reply(now, **more), line=LINE)
        assert refused.value.public_code == code


def test_product_hosts_are_for_links_only(now: datetime) -> None:
    check_addresses(reply(now, links=(Link("https://www.kay.example/a"),)), line=LINE)
    with pytest.raises(BadInputError):
        check_addresses(reply(now, media=("https://www.kay.example/a.jpg",)), line=LINE)


def test_ten_files_at_most(now: datetime) -> None:
    url = "https://media.kay.example/a.jpg"
    check_addresses(reply(now, media=(url,) * 10), line=LINE)
    with pytest.raises(BadInputError) as refused:
        check_addresses(reply(now, media=(url,) * 11), line=LINE)
    assert refused.value.public_code == "too_many_media"


@pytest.mark.parametrize(("kind", "most"), [("image/jpeg", 5_000_000 - 3), ("image/gif", 5_000_000 - 3),
                                            ("image/png", 5_000_000 - 3), ("application/pdf", 500_000),
                                            ("image/heic", 500_000), ("video/mp4", 500_000)])  # fmt: skip
def test_how_large_a_file_may_be(kind: str, most: int) -> None:
    check_files([FileSeen(kind, most)], words="Yes", line=LINE)
    with pytest.raises(BadInputError) as refused:
        check_files([FileSeen(kind, most + 1)], words="Yes", line=LINE)
    assert refused.value.public_code == "media_too_large"


def test_a_program_may_allow_less() -> None:
    line = LINE.model_copy(update={"media_max_bytes": 1000})
    check_files([FileSeen("image/jpeg", 1000)], words="", line=line)
    with pytest.raises(BadInputError):
        check_files([FileSeen("image/jpeg", 1001)], words="", line=line)


def test_all_files_of_a_text_count_together() -> None:
    half = FileSeen("image/jpeg", 2_500_000)
    check_files([half, half], words="", line=LINE)
    with pytest.raises(BadInputError):
        check_files([half, half], words="x", line=LINE)


def test_types_twilio_does_not_take_over_mms_are_refused() -> None:
    assert not PICTURES & OTHERS
    for kind in ("text/html", "image/webp", "image/svg+xml", "application/zip", "text/plain", ""):
        with pytest.raises(BadInputError) as refused:
            check_files([FileSeen(kind, 10)], words="", line=LINE)
        assert refused.value.public_code == "media_type"


def with_line(program: Program, **more: Any) -> dict[str, Any]:
    return {**program.model_dump(mode="json", by_alias=True),
            "line": LINE.model_dump(mode="json"), **more}  # fmt: skip


@pytest.mark.parametrize("key", REQUEST_FIRST_TEXTS)
def test_a_confirmation_keeps_a_first_texts_rules(program: Program, key: str) -> None:
    from instore.program import ProgramError

    def said(text: str) -> dict[str, Any]:
        return with_line(program, messages={"en": {"texts": {key: text}}})

    load_program(said("{banner}: we have it. Reply STOP to end texts."))
    for wrong in ("{banner}: we have it.", "We have it. Reply STOP to end texts."):
        with pytest.raises(ProgramError) as refused:
            load_program(said(wrong))
        assert f"messages.en.texts.{key}" in str(refused.value)


def test_the_built_in_confirmations_are_short_first_texts() -> None:
    from instore.first_text import tells_how_to_stop

    for text in REQUEST_MESSAGES.values():
        assert tells_how_to_stop(text, language="en")
        assert text.startswith("{banner}: ")
        filled = text.format(banner="Kay Jewelers", associate="Anna", store="Kay 4100 Yonkers")
        assert segments(filled).encoding == "GSM-7"
        assert segments(filled).count <= 2


@pytest.mark.parametrize(("text", "good"), [
    ("ines@mail.example", True), ("INES+a.b@sub.mail.example", True), ("ines@mail", False),
    ("ines mail.example", False), ("", False), ("a@b@c.example", False), ("a@b.example\n", False),
    ("x" * 65 + "@mail.example", False), ("a@" + "b" * 250 + ".example", False), ('"a"@b.example', False),
])  # fmt: skip
def test_addresses_of_people(text: str, good: bool) -> None:
    if good:
        assert Email(text).folded == text.lower()
        return
    with pytest.raises(BadInputError) as refused:
        Email(text)
    assert refused.value.public_code == "invalid_email"
    assert text.strip() == "" or text not in str(refused.value)
