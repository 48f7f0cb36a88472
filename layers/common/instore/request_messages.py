"""The confirmation of a text request; a program may say it otherwise.

It is the first text from its number: it names its sender and tells how to end texts.
"""

from __future__ import annotations

REQUEST_MESSAGES = {
    "request_text": "{banner}: thank you, we have your request. {associate} will text you from this "
    "number; you can write here, too. Msg & data rates may apply. Reply HELP for help, STOP to end "
    "texts.",
    "request_text_store": "{banner}: thank you, we have your request. Somebody from {store} will text "
    "you soon. Msg & data rates may apply. Reply HELP for help, STOP to end texts.",
}
REQUEST_FIRST_TEXTS = tuple(REQUEST_MESSAGES)
