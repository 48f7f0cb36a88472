"""The one text of a wait: when it goes, when it never goes, and that it goes once (I1, I2, I4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.assigned_rig import BOT, DANA, EVE, PHONE, Rig, program_with

from instore.adapters.table import Table
from instore.campaign import CampaignResult
from instore.errors import (
    UnavailableError,
    VendorError,
    VendorGarbageError,
    VendorNotAuthorizedError,
    VendorNotReachedError,
    VendorThrottledError,
    VendorUnavailableError,
)
from instore.model import Stickiness, epoch
from instore.program import Program

DIGITS = PHONE.digits


@pytest.fixture
def rig(table: Table, strict_program: Program, clock: Any) -> Rig:
    return Rig(table, strict_program, clock)


def test_the_text_brings_the_member_back(rig: Rig) -> None:
    rig.converse().consent().take(rig.change(60, DANA))
    (campaign,) = rig.vendor.campaigns
    assert campaign.name.startswith("instore-notice-")
    assert (campaign.skill, campaign.template_id) == ("plan-replies", "777555567002")
    assert campaign.outbound.e164 == "+16125550100"
    assert campaign.recipients == ((PHONE, ("Dana", "https://members.example.com/messages")),)
    assert rig.notice() == "sent"
    assert "due_at" not in rig.item()


def test_the_binding_is_there_before_the_text(rig: Rig) -> None:
    bound: list[str | None] = []
    rig.vendor.meanwhile = lambda: bound.append(rig.bound())
    rig.converse().consent().take(rig.change(60, DANA))
    assert bound == ["111"]


def test_without_consent_nothing_goes(rig: Rig) -> None:
    (taken,) = rig.converse().take(rig.change(60, DANA))
    assert rig.notice() == "skipped no_consent"
    assert taken.notice is not None
    assert rig.vendor.campaigns == []
    assert rig.bound() == "111"


def test_consent_for_another_banner_is_none(rig: Rig) -> None:
    rig.converse().consent(banner="other").take(rig.change(60, DANA))
    assert rig.notice() == "skipped no_consent"


def test_an_opt_out_beats_consent(rig: Rig) -> None:
    rig.converse().consent()
    rig.customers.opt_out(rig.customer, banner="plan", scope="all", how="STOP", words="STOP",
                          now=rig.began)  # fmt: skip
    rig.take(rig.change(60, DANA))
    assert rig.notice() == "skipped opted_out"
    assert rig.vendor.campaigns == []


def busy_line(rig: Rig, seconds: float) -> None:
    """The line for notices is taken for a while yet."""
    rig.table.put({"pk": "PACE#20000001#notify", "sk": "PACE",
                   "free_at": int((rig.clock.now().timestamp() + seconds) * 1_000_000)})  # fmt: skip


def test_an_opt_out_during_the_wait_for_the_pace_stops_the_notice(
    rig: Rig, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asleep = clock.sleep

    def sleep(seconds: float) -> None:
        rig.customers.opt_out(rig.customer, banner="plan", scope="all", how="t", words="STOP",
                              now=clock.now())  # fmt: skip
        asleep(seconds)

    busy_line(rig, 2)
    monkeypatch.setattr(clock, "sleep", sleep)
    rig.converse().consent().take(rig.change(60, DANA))
    assert rig.notice() == "skipped opted_out"
    assert rig.vendor.campaigns == []
    assert "due_at" not in rig.item()


def test_an_hour_that_ends_during_the_wait_for_the_pace_defers_the_notice(
    rig: Rig, clock: Any
) -> None:
    rig.converse().consent()
    clock.advance(7 * 3600 - 1)  # 17:59:59 in Chicago, where the associates go at 18:00
    busy_line(rig, 2)
    rig.take(rig.change(60, DANA))
    item = rig.item()
    assert item["notice"]["state"] == "deferred"
    assert item["due_at"] == item["notice"]["until"] == epoch(rig.began + timedelta(hours=23))
    assert rig.vendor.campaigns == []
    clock.advance(15 * 3600)
    assert rig.sweep().metrics == ("NoticesSent",)


def test_a_table_away_after_the_claim_gives_it_back(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    real = rig.customers.get

    def get(customer: str) -> Any:
        looks.append(customer)
        if len(looks) == 2:
            raise UnavailableError("away")
        return real(customer)

    monkeypatch.setattr(rig.customers, "get", get)
    rig.converse().consent()
    with pytest.raises(UnavailableError):
        rig.take(rig.change(60, DANA))
    assert rig.notice() == "due unavailable"
    (taken,) = rig.take(rig.change(60, DANA))
    assert taken.notice is not None
    assert taken.notice.state == "sent"
    assert len(rig.vendor.campaigns) == 1


def test_the_text_names_whoever_has_the_conversation_now(
    rig: Rig, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep has read the notice about Dana when Eve takes over."""
    rig.vendor.answers = [VendorThrottledError("slow")]
    (banner,) = rig.program.banners
    routing = banner.routing.model_copy(update={"stickiness": Stickiness.STORE})
    rig.program = rig.program.model_copy(
        update={"banners": [banner.model_copy(update={"routing": routing})]}
    )
    rig.converse().consent()
    with pytest.raises(VendorThrottledError):
        rig.take(rig.change(60, DANA))
    rig.vendor.campaigns.clear()
    clock.advance(61)
    real, looks = rig.customers.get, []

    def get(customer: str) -> Any:
        looks.append(customer)
        if len(looks) == 1:
            rig.take(rig.change(120, EVE))
        return real(customer)

    monkeypatch.setattr(rig.customers, "get", get)
    assert rig.sweep().metrics == ()
    (campaign,) = rig.vendor.campaigns
    assert campaign.recipients[0][1][0] == "Eve"
    assert (rig.notice(), rig.bound()) == ("sent", "222")


def test_an_opt_out_while_the_notice_waits_for_its_hour(rig: Rig, clock: Any) -> None:
    clock.advance(10 * 3600)
    rig.converse().consent().take(rig.change(60, DANA))
    assert rig.item()["notice"]["state"] == "deferred"
    rig.customers.opt_out(rig.customer, banner="plan", scope="all", how="STOP", words="STOP",
                          now=clock.now())  # fmt: skip
    clock.advance(12 * 3600)
    rig.sweep()
    assert rig.notice() == "skipped opted_out"


def test_at_night_the_text_waits_for_the_morning_and_the_sweep(rig: Rig, clock: Any) -> None:
    clock.advance(10 * 3600)  # 21:00 in Chicago
    (taken,) = rig.converse().consent().take(rig.change(60, DANA))
    assert taken.notice is not None
    assert taken.notice.state == "deferred"
    item = rig.item()
    assert item["due_at"] == item["notice"]["until"] == epoch(clock.now() + timedelta(hours=12))
    assert rig.sweep().metrics == ()
    assert rig.vendor.campaigns == []
    clock.advance(12 * 3600)
    assert rig.sweep().metrics == ("NoticesSent",)
    assert len(rig.vendor.campaigns) == 1
    assert rig.sweep().metrics == ()
    assert len(rig.vendor.campaigns) == 1


def test_a_country_without_texting_hours_gets_no_text(rig: Rig) -> None:
    banners = [b.model_copy(update={"country": "XX"}) for b in rig.program.banners]
    rig.program = rig.program.model_copy(update={"banners": banners})
    rig.converse().consent().take(rig.change(60, DANA))
    assert rig.notice() == "skipped no texting hours are known for this country"


def test_by_sms_the_customer_is_in_that_thread_already(rig: Rig) -> None:
    rig.converse(channel="sms").consent().take(rig.change(60, DANA))
    assert rig.notice() == "skipped same_thread"
    assert rig.vendor.campaigns == []


def test_no_number_no_text(rig: Rig) -> None:
    rig.converse(customer=None, phone=None).take(rig.change(60, DANA))
    assert rig.notice() == "skipped no_number"


def test_an_agent_the_store_no_longer_has(rig: Rig) -> None:
    rig.table.delete("STORE#20000001#north", "STORE")
    rig.converse().consent().take(rig.change(60, DANA))
    assert rig.notice() == "skipped agent_unknown"


@pytest.mark.parametrize(
    ("stops", "reason"),
    [({"all": True}, "stopped_all"), ({"banners": ["plan"]}, "stopped_banner"),
     ({"stores": ["north"]}, "stopped_store"),
     ({"associates": ["dana@plan.example.com"]}, "stopped_associate")],
)  # fmt: skip
def test_stop_switches(rig: Rig, stops: dict[str, Any], reason: str) -> None:
    changed = rig.program.stops.model_copy(update=stops)
    rig.program = rig.program.model_copy(update={"stops": changed})
    rig.converse().consent().take(rig.change(60, DANA))
    assert rig.notice() == f"skipped {reason}"


@pytest.mark.parametrize(
    ("features", "notice"),
    [({"notification": False}, "skipped stopped_banner"), ({"outreach": False}, "sent")],
)
def test_the_feature_switch_is_the_notices_own(
    rig: Rig, features: dict[str, bool], notice: str
) -> None:
    (banner,) = rig.program.banners
    changed = banner.model_copy(update={"features": banner.features.model_copy(update=features)})
    rig.program = rig.program.model_copy(update={"banners": [changed]})
    rig.converse().consent().take(rig.change(60, DANA))
    assert rig.notice() == notice


@pytest.mark.parametrize(
    ("notification", "notice"),
    [({"when": "never"}, "skipped switched_off"), ({"template": None}, "skipped switched_off"),
     ({"template": "unheard-of"}, "skipped switched_off"),
     ({"link": None}, "skipped template_asks_more"), ({"template": "follow-up"}, "sent")],
)  # fmt: skip
def test_the_programs_notification(rig: Rig, notification: dict[str, Any], notice: str) -> None:
    rig.program = program_with(rig.program, **notification)
    rig.converse().consent().take(rig.change(60, DANA))
    assert rig.notice() == notice
    assert [c.recipients[0][1] for c in rig.vendor.campaigns] == (
        [("Dana",)] if notice == "sent" else []
    )


def test_a_banner_the_program_no_longer_has(rig: Rig) -> None:
    rig.converse(banner="sold").consent().take(rig.change(60, DANA))
    assert rig.notice() == "skipped switched_off"
    assert rig.bound() is None


@pytest.mark.parametrize(
    ("answer", "notice"),
    [(CampaignResult("c", {}, {DIGITS: "INVALID_NUMBER"}), "skipped vendor_rejected"),
     (CampaignResult("c", {}, {}, (DIGITS,)), "unknown vendor_garbage"),
     (VendorUnavailableError("time-out"), "unknown vendor_unavailable"),
     (VendorGarbageError("html"), "unknown vendor_garbage"),
     (VendorError("bad skill"), "skipped vendor_refused")],
)  # fmt: skip
def test_what_is_not_known_to_have_failed_is_never_tried_again(
    rig: Rig, clock: Any, answer: Any, notice: str
) -> None:
    rig.vendor.answers = [answer]
    change = rig.change(60, DANA)
    rig.converse().consent().take(change, change)
    assert rig.notice() == notice
    clock.advance(86400)
    rig.sweep()
    rig.take(change, rig.change(90000, DANA))
    assert len(rig.vendor.campaigns) == 1


@pytest.mark.parametrize(
    "error", [VendorThrottledError("429"), VendorNotReachedError("no connection"),
              VendorNotAuthorizedError("401"), UnavailableError("no secret")],
)  # fmt: skip
def test_what_certainly_did_nothing_is_tried_again_by_the_next_delivery(
    rig: Rig, error: Exception
) -> None:
    rig.vendor.answers = [error]
    rig.converse().consent()
    with pytest.raises(type(error)):
        rig.take(rig.change(60, DANA))
    assert rig.item()["notice"]["state"] == "due"
    (taken,) = rig.take(rig.change(60, DANA))
    assert taken.what == "duplicate"
    assert taken.notice is not None
    assert taken.notice.state == "sent"
    assert len(rig.vendor.campaigns) == 2


def test_the_sweep_tries_again_too_and_does_not_fall_over_the_vendor(rig: Rig, clock: Any) -> None:
    rig.vendor.answers = [VendorThrottledError("429"), VendorThrottledError("429")]
    rig.converse().consent()
    with pytest.raises(VendorThrottledError):
        rig.take(rig.change(60, DANA))
    assert rig.sweep().notice is None
    clock.advance(60)
    assert rig.sweep().metrics == ()
    assert rig.item()["notice"]["state"] == "due"
    clock.advance(60)
    assert rig.sweep().metrics == ("NoticesSent",)


def test_out_of_pace_the_text_is_left_to_the_sweep(rig: Rig, clock: Any) -> None:
    rig.table.put({"pk": "PACE#20000001#notify", "sk": "PACE",
                   "free_at": int((clock.now().timestamp() + 30) * 1_000_000)})  # fmt: skip
    (taken,) = rig.converse().consent().take(rig.change(60, DANA))
    assert taken.notice is not None
    assert (taken.notice.state, taken.notice.reason) == ("due", "paced")
    clock.advance(60)
    assert rig.sweep().metrics == ("NoticesSent",)


def test_a_claim_whose_owner_died_is_unknown_and_never_sent(rig: Rig, clock: Any) -> None:
    class KilledError(BaseException):
        pass

    def die() -> None:
        raise KilledError

    rig.vendor.meanwhile = die
    rig.converse().consent()
    with pytest.raises(KilledError):
        rig.take(rig.change(60, DANA))
    rig.vendor.meanwhile = lambda: None
    (again,) = rig.take(rig.change(60, DANA))
    assert again.notice is None
    clock.advance(179)
    assert rig.sweep().metrics == ()
    clock.advance(1)
    assert rig.sweep().metrics == ("NoticesUnknown",)
    assert rig.notice() == "unknown claim_lost"
    assert len(rig.vendor.campaigns) == 1


def test_an_answer_after_the_sweep_gave_up_still_counts(rig: Rig, clock: Any) -> None:
    def dawdle() -> None:
        clock.advance(181)
        rig.sweep()

    rig.vendor.meanwhile = dawdle
    rig.converse().consent().take(rig.change(60, DANA))
    assert rig.notice() == "sent"


def test_an_agent_who_left_before_the_morning_is_not_announced(rig: Rig, clock: Any) -> None:
    clock.advance(10 * 3600)
    rig.converse().consent().take(rig.change(60, DANA), rig.change(120))
    assert rig.notice() == "skipped agent_left"
    clock.advance(12 * 3600)
    rig.sweep()
    assert rig.vendor.campaigns == []


def test_whoever_took_over_before_the_morning_is_announced(rig: Rig, clock: Any) -> None:
    clock.advance(10 * 3600)
    rig.converse().consent().take(rig.change(60, DANA), rig.change(120, EVE))
    clock.advance(12 * 3600)
    rig.sweep()
    (campaign,) = rig.vendor.campaigns
    assert campaign.recipients[0][1][0] == "Eve"


def test_a_closed_conversation_is_not_announced(rig: Rig, clock: Any) -> None:
    clock.advance(10 * 3600)
    rig.converse().consent().take(rig.change(60, DANA), rig.change(120, closed=True))
    assert rig.notice() == "skipped closed"


def test_the_agent_leaves_while_the_text_is_on_its_way(rig: Rig) -> None:
    rig.vendor.meanwhile = lambda: rig.take(rig.change(120)) and None
    rig.converse().consent().take(rig.change(60, DANA))
    item = rig.item()
    assert item["notice"]["state"] == "sent"
    assert (item["waiting"], item["wait"]) == (True, 2)
    assert "due_at" in item  # the alarm of the new wait was not taken away
    rig.vendor.meanwhile = lambda: None
    rig.take(rig.change(180, DANA))
    assert len(rig.vendor.campaigns) == 2
    assert len({campaign.name for campaign in rig.vendor.campaigns}) == 2


def test_first_reply_waits_for_the_associates_words(rig: Rig) -> None:
    rig.program = program_with(rig.program, when="first_reply")
    rig.converse().consent().take(rig.change(60, DANA), rig.words(61, BOT), rig.words(62, EVE))
    assert rig.notice() == "awaiting"
    assert "due_at" not in rig.item()
    rig.take(rig.words(90, DANA), rig.words(90, DANA), rig.words(95, DANA))
    assert rig.notice() == "sent"
    assert len(rig.vendor.campaigns) == 1


def test_first_reply_with_the_words_before_the_news_of_the_assignment(rig: Rig) -> None:
    rig.program = program_with(rig.program, when="first_reply")
    rig.converse().consent().take(rig.words(90, DANA), rig.change(60, DANA))
    assert rig.notice() == "sent"
    assert len(rig.vendor.campaigns) == 1


def test_words_of_an_earlier_stay_are_no_first_reply(rig: Rig) -> None:
    rig.program = program_with(rig.program, when="first_reply")
    rig.converse().consent().take(rig.words(-90, DANA), rig.change(60, DANA))
    assert rig.notice() == "awaiting"


def test_first_reply_of_a_conversation_that_is_not_ours(rig: Rig) -> None:
    rig.program = program_with(rig.program, when="first_reply")
    assert [taken.what for taken in rig.take(rig.words(90, DANA))] == ["foreign"]


def test_words_are_nothing_to_programs_that_do_not_wait_for_them(
    rig: Rig, requests_made: list[Any]
) -> None:
    rig.converse()
    del requests_made[:]
    assert [taken.what for taken in rig.take(rig.words(90, DANA))] == ["not_needed"]
    assert requests_made == []


def test_a_silent_wait_is_told_once_a_day(rig: Rig, clock: Any) -> None:
    rig.converse()
    assert rig.sweep().metrics == ()
    clock.advance(86400)
    assert rig.sweep().metrics == ("SilentWait",)
    assert rig.sweep().metrics == ()
    clock.advance(86400)
    assert rig.sweep().metrics == ("SilentWait",)
    assert rig.item()["waiting"] is True


def test_the_sweep_finds_nothing_or_nothing_to_do(rig: Rig, clock: Any) -> None:
    assert rig.sweep().metrics == ()
    rig.converse(waiting=False, due_at=epoch(clock.now()))
    assert rig.sweep().metrics == ()
    assert "due_at" not in rig.item()
