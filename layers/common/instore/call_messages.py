"""What is said and texted when a call becomes texts; a program may say it otherwise.

`call_offer` is what a caller agrees to by pressing the digit: who texts, to which number, what it
may cost. The first text names its sender and tells how to end texts, as every first text does.
"""

from __future__ import annotations

CALL_MESSAGES = {
    "call_offer": "{banner}. You can text with us instead of waiting. Press {digit}, and we send a "
    "text message to the number you are calling from. Message and data rates may apply. To stay "
    "on the phone, press {decline} or just wait.",
    "call_wrong": "Sorry, that is none of the choices.",
    "call_texted": "Thank you. Our text message is on its way. Answer it whenever you like. Goodbye.",
    "call_pushed": "Thank you. Please open our app: your conversation with us is there. Goodbye.",
    "call_not_texted": "We are sorry, we cannot text the number you are calling from.",
    "call_opted_out": "You have asked us not to text you. If you would like texts again, text the "
    "word START to {phone}.",
    "call_goodbye": "Thank you for calling. Goodbye.",
    "call_text": "{banner}: thanks for texting instead of waiting on the phone. Tell us here how we "
    "can help; we usually answer within {minutes} minutes. Msg & data rates may apply. "
    "Reply HELP for help, STOP to end texts.",
    "call_text_closed": "{banner}: thanks for texting instead of waiting on the phone. We are closed "
    "now and answer from {opens} on. Tell us here how we can help. Msg & data rates may apply. "
    "Reply HELP for help, STOP to end texts.",
    "call_text_later": "{banner}: thanks for texting instead of waiting on the phone. We are closed "
    "now and answer when we are back. Tell us here how we can help. Msg & data rates may apply. "
    "Reply HELP for help, STOP to end texts.",
    "call_text_link": "Or in Messenger: {link}",
    "call_push": "{banner}: tell us here how we can help; we usually answer within {minutes} minutes.",
    "deflected": "Thank you. The right team has your message and usually answers within {minutes} "
    "minutes.",
    "deflected_closed": "Thank you. The right team has your message and answers when we open again.",
}
CALL_FIELDS = ("digit", "decline", "phone", "minutes", "opens", "link")
# The first text in all its forms: the carriers' rules for a first text hold for each of them.
FIRST_TEXTS = ("call_text", "call_text_closed", "call_text_later")
