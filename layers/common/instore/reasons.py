"""Why a text was sent, held or blocked, in sentences a person understands.

Every reason code of the code has its sentence here (a test reads the code and compares), so that
nobody who asks "why" is answered with a word from a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from .batch import First, Row, RowState
from .model import iso

# Reason code -> what was found. Codes of rows first, those that only notices have last.
REASONS: Mapping[str, str] = {
    # the number and the text
    "invalid_number": "What was given is not a telephone number that can exist.",
    "toll_free": "The number is toll-free: it is nobody's handset.",
    "foreign_number": "The number is not of the banner's country.",
    "our_number": "The number is the brand's own: its bot would answer the text, and then the answer.",
    "not_a_mobile": "The carrier says that the number cannot receive texts.",
    "duplicate": "The same number stands earlier in the same request; one text is enough.",
    "variables_wrong": "The variables do not fit the template: all of them, in order, none blank.",
    "brand_missing": "The finished text does not name the banner, and a first text has to.",
    "too_long": "The finished text is longer than 1,600 characters, the most a text may have.",
    "first_text": "The template is no first text, and no text of this banner is known to have "
    "reached this customer.",
    "unknown_template": "The banner's program has no template of this name any more.",
    "template_wrong": "The vendor's template wants a picture or a header that we do not send.",
    # rows of an imported file
    "wrong_number_of_cells": "The row of the file does not have as many cells as its first line.",
    "zone_invalid": "The row names a time zone that does not exist.",
    "postal_code_invalid": "The row names a postal code that cannot be one.",
    "batch_too_large": "The program has come to allow fewer recipients than the import was made for.",
    # consent
    "no_consent": "No consent of this customer for this banner is on record.",
    "consent_too_weak": "The customer agreed to an associate's own texts, not to promotions.",
    "opted_out": "The customer has asked for no more texts.",
    "erased": "What was known of this customer has been erased on request, which also blocks texts.",
    "unreachable": "A carrier said that this number takes no texts: a landline, or not in service.",
    # whose turn it is
    "held": "Another associate is in touch with this customer; there is one thread at a time.",
    "customer_cap": "The customer has had, or will have, as many texts as the program allows.",
    "daily_limit": "The associate's texts of the day are used up.",
    "busy": "Others kept writing to this customer's record at that moment.",
    "lease_lost": "By the time the text was to go, the customer was no longer reserved for it.",
    "open_conversation": "A conversation with this customer is open; write to them there.",
    # hours
    "outside_window": "At that time the customer may not be texted.",
    "never": "There is no time at which this customer may be texted.",
    # switches and people
    "stopped_all": "Texting is switched off for everybody.",
    "stopped_banner": "Texting is switched off for this banner.",
    "stopped_store": "Texting is switched off for this store.",
    "stopped_associate": "Texting is switched off for this associate.",
    "unknown_associate": "The associate, or their store, is no longer in the agent map.",
    "associate_disabled": "The associate's login is disabled in LivePerson.",
    "number_held": "Texts from this number are held: too many were filtered by carriers.",
    "cancelled": "The import it came from was cancelled.",
    # what the vendor said
    "vendor_refused": "LivePerson refused the whole call; nothing of it was sent.",
    "vendor_error": "LivePerson reported a failure it did not explain further.",
    "filtered": "The carrier refused the text because of our number, not because of this customer.",
    "no_delivery_report": "The carrier sent no delivery report; the text may have arrived.",
    "not_eligible": "LivePerson found the customer not eligible for this text.",
    # notices: the one text that brings a waiting customer back
    "switched_off": "Notices are switched off for this banner.",
    "same_thread": "The customer texts in this very thread and sees the associate's words there.",
    "no_number": "No telephone number of this customer is known.",
    "agent_unknown": "The associate is not in the agent map.",
    "template_asks_more": "The template has more variables than a notice can fill.",
    "vendor_rejected": "LivePerson refused this recipient.",
    "vendor_garbage": "LivePerson's answer could not be read; the text may have gone.",
    "vendor_unavailable": "LivePerson did not answer.",
    "vendor_throttled": "LivePerson was busy and took nothing.",
    "vendor_not_authorized": "LivePerson did not accept our credentials.",
    "paced": "Other texts were before it in the line; it is tried again within a minute.",
    "claim_lost": "The process that was sending ended in between; the text may have gone.",
    "accepted": "LivePerson took it.",
    "texted": "The SMS line sent it.",
    "not_received": "The SMS line sent it, and it did not arrive.",
    "line_busy": "Twilio was busy or away and took nothing; it is tried again within a minute.",
    "line_looks": "Twilio's answer was lost; the text is being looked for.",
    "text_not_found": "Twilio's answer was lost and its list does not show the text; it may have "
    "gone.",
    "line_off": "The program has no SMS line.",
    "sender_lost": "Twilio does not send from this number of ours: it is not in the account, or not any "
    "more.",
    "too_late": "It had waited so long that it would say nothing new.",
    "agent_left": "The associate left the conversation before the text was sent.",
    "closed": "The conversation was closed before the text was sent.",
    "unavailable": "Something needed for it did not answer at that moment.",
    "secret_unavailable": "The account's credentials could not be read.",
    # letters
    "mail_off": "The program names no mail that could send it.",
    "mail_refused": "The brand's own mail refused it.",
    "texting_hours_invalid": "The table of texting hours does not hold together.",
}

_STATES: Mapping[RowState, str] = {
    RowState.PENDING: "The batch is still being taken.",
    RowState.ACCEPTED: "Consent, opt-out, hours, limits and reservation were in order; it goes "
    "with the next call and is looked at once more right before.",
    RowState.DEFERRED: "It is kept and goes by itself once the customer may be texted.",
    RowState.BLOCKED: "It was not sent.",
    RowState.REJECTED: "LivePerson refused it; it was not sent.",
    RowState.UNKNOWN: "The answer to the call was lost. It is not sent again; LivePerson's report, "
    "which is about 20 minutes late, is asked.",
    RowState.UNRESOLVED: "Nobody can say whether it went: the answer was lost and LivePerson's "
    "report does not show it. It is never sent again by itself.",
    RowState.SENT: "Consent, opt-out, hours and limits were in order when it was taken and again "
    "right before the call; LivePerson took it.",
    RowState.DELIVERED: "It was sent, and LivePerson handed it on to the carrier.",
    RowState.SKIPPED: "LivePerson took it and then did not send it.",
    RowState.FAILED: "It was sent and did not arrive.",
    RowState.REPLIED: "It was sent, and the customer answered.",
}

# What a person can do about it. Where nothing stands here, nothing needs to be done.
_ADVICE: Mapping[str, str] = {
    "unresolved": "Look in LivePerson's conversation history of this number for the text. If it is "
    "not there, ask again with a new Idempotency-Key; if it is, do nothing.",
    "no_consent": "Record the customer's consent, then ask again.",
    "consent_too_weak": "Use a one_to_one template, or record a marketing consent first.",
    "opted_out": "Do not text. Only the customer's own START lifts this.",
    "erased": "Do not text. It takes the customer's own START and a consent given after that day.",
    "variables_wrong": "Send one text for each variable of the template, in order.",
    "brand_missing": "Name the banner in the variables, or use a template that names it.",
    "too_long": "Shorten the variables.",
    "first_text": "Send a template that may be first; this one may follow it.",
    "invalid_number": "Correct the number.",
    "foreign_number": "Use a number of the banner's country.",
    "our_number": "Use the customer's own number.",
    "busy": "Ask again.",
    "open_conversation": "Go on in the open conversation.",
    "vendor_refused": "See the alarm's page in the runbook: the next call would be refused, too.",
    "template_wrong": "Correct the template in LivePerson or in the program.",
    "filtered": "See the runbook: texts from this number are being filtered.",
    "associate_disabled": "Enable the login in LivePerson, or send from another associate.",
}


@dataclass(frozen=True, slots=True)
class Why:
    """One row explained: `why` it stands where it stands, and what a person should do, if anything."""

    why: str
    advice: str | None = None


def sentence(reason: str) -> str:
    """The sentence of a reason code; an unknown one (written by a newer version) says so."""
    if reason.startswith("twilio_"):
        return f"Twilio refused it with code {reason.removeprefix('twilio_')}."
    return REASONS.get(reason, f"Reason `{reason}`, which this version does not know.")


def why(row: Row) -> Why:
    """Why this row was sent, held or blocked."""
    said = [_STATES[row.state]]
    shown = row.reason is not None and row.reason_stands
    if row.reason is not None and shown:
        said.append(sentence(row.reason))
    if shown and row.rule:
        said.append(f"The rule that decides: {row.rule}.")
    if shown and row.until is not None:
        end = "It goes" if row.state is RowState.DEFERRED else "It may be asked again"
        said.append(f"{end} from {iso(row.until)} on.")
    if row.first is not None:
        said.append(f"{first_answer(row.first)} A later look decided otherwise.")
    advice = _ADVICE.get(str(row.state)) or (_ADVICE.get(row.reason) if row.reason else None)
    return Why(" ".join(said), advice)


def first_answer(first: First) -> str:
    """What the associate was told when the row was taken."""
    until, rule = first
    if until is None:
        return "When it was taken it was to go at once."
    return f"When it was taken it was to go from {iso(until)} on{_by(rule)}."


def notice_sentence(state: str, reason: str | None, *, until: datetime | None = None) -> str:
    """Where the one text of a wait stands, and why."""
    told = {
        "awaiting": "It goes when the associate has written.",
        "due": "It is to be sent now.",
        "deferred": "It waits until the customer may be texted.",
        "claimed": "It is being sent.",
        "sent": "It was sent.",
        "skipped": "It was not sent.",
        "unknown": "It may or may not have been sent, and is never sent again.",
    }.get(state, f"It is `{state}`.")
    if reason and reason.startswith("twilio_"):
        told += f" Twilio refused it with its code {reason.removeprefix('twilio_')}."
    elif reason:
        told += f" {REASONS.get(reason) or f'The rule that decides: {reason}.'}"
    return told if until is None else f"{told} Looked at again from {iso(until)} on."


def _by(rule: str | None) -> str:
    return f", by the rule {rule}" if rule else ""
