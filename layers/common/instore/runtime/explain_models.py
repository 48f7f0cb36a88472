"""What the explain operations give, as pydantic models; the OpenAPI document follows."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import Field

from ..explaining import Explanation, rules_in_words
from ..model import iso, maybe_iso
from .outreach_models import Out, Route


class StepOut(Out):
    """One step of the decision in plain sentences."""

    step: str
    looked_at: str
    found: str
    then: str


class CandidateOut(Out):
    """Somebody of the store and their presence then; ages in seconds before the decision."""

    agent_id: str
    role: str
    enabled: bool
    status: str
    mentioned: bool = Field(description="by LivePerson's answer")
    could_take: bool
    wanted: bool
    chosen: bool
    load: float | None = None
    free_slots: int | None = None
    in_status_s: int | None = None
    presence_age_s: int | None = Field(None, description="how old LivePerson's answer was")


class RulesOut(Out):
    """The program's rules as they were."""

    stickiness: str
    steps: list[str]
    closed: bool
    all_offline_minutes: int | None = None
    all_busy_minutes: int | None = None
    may_ask: bool
    keyword_tries: int
    human_skill: str
    virtual_skill: str | None = None
    last_skill: str


class DecisionOut(Out):
    """What was decided, when, and by which version of the program."""

    at: str
    program: int
    act: str
    outcome: str
    message: str
    skill: str | None = None
    agent_id: str | None = None
    waiting: bool
    store_open: bool | None = None
    presence_known: bool


class WaitOut(Out):
    """Whether the customer waits, and where the one text of that wait stands."""

    waiting: bool
    since: str | None = None
    waits: int
    notice: str | None = None
    notice_why: str | None = None


class ReceiptOut(Out):
    """Why a conversation was routed as it was."""

    account: str
    conversation: str
    banner: str
    state: str
    why: str
    newest: str | None = Field(None, description="what the newest answer was, if not a decision")
    decision: DecisionOut | None = None
    rules: RulesOut | None = None
    steps: list[StepOut]
    candidates: list[CandidateOut]
    wait: WaitOut
    misrouted: bool
    misroute: str | None = None
    replays: bool | None = Field(
        None, description="the same case, decided again just now, gives the same answer"
    )


ROUTES = (
    Route("GET /conversations/{account}/{id}/receipt", "explain_conversation",
          "Why was this routed so", "outreach/explain", None, {200: ReceiptOut},
          (400, 401, 403, 404, 503), says={
              403: "Scope outreach/explain is missing", 404: "Not there any more, or never was",
              503: "Ask again; receipt_unreadable: this version cannot read it",
          }),
)  # fmt: skip


def shown(account: str, conversation: str, banner: str, told: Explanation) -> ReceiptOut:
    """An explanation as it is answered."""
    case, decision, wait = told.case, told.decision, told.waiting
    decided = None
    if case is not None and decision is not None:
        decided = DecisionOut(
            at=iso(case.at), program=case.program, act=decision.act.value,
            outcome=decision.outcome, message=decision.message, skill=decision.skill,
            agent_id=decision.agent_id, waiting=decision.waiting, store_open=case.store_open,
            presence_known=case.answered,
        )  # fmt: skip
    return ReceiptOut(
        account=account, conversation=conversation, banner=banner, state=told.state, why=told.why,
        newest=told.newest, decision=decided,
        rules=RulesOut(**rules_in_words(case)) if case else None,
        steps=[StepOut(**asdict(step)) for step in told.steps],
        candidates=[CandidateOut(**asdict(one)) for one in told.candidates],
        wait=WaitOut(waiting=wait.waiting, since=maybe_iso(wait.since), waits=wait.waits,
                     notice=wait.notice, notice_why=wait.notice_why),
        misrouted=told.misrouted is not None, misroute=told.misrouted, replays=told.replays,
    )  # fmt: skip
