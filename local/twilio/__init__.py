"""Twilio on one machine: one object, real HTTP on one loopback port, injected time.

How a story uses it:

    sim = TwilioSim(clock, seed=7).serve()           # account_sid="AC…" as in the program
    sim.secret()                                     # JSON for the account's secret
    sim.numbers.add("+12125550100", sms_url=f"{public}/twilio/sms",
                    voice_url=f"{public}/twilio/voice/repairs",
                    status_callback=f"{public}/twilio/voice/repairs/ended")
    sim.services.add("relay", "+12125550100", sid="MG…")
    sim.numbers.market.sell_out("212")               # nothing left near the store
    sim.leads("https://sms.example.com", to=stack_url)   # signed for the one, sent to the other

    sim.text("+12125550123", "+12125550100", "Is my ring ready?")
    sim.text("+12125550123", "+12125550100", "Like this", media=["image/jpeg"])
    sim.run()                                        # webhooks, queues, deliveries, callbacks
    sim.handset("+12125550123")                      # what reached the handset: the ground truth

    call = sim.call("+12125550123", "+12125550100")  # our TwiML is carried out
    call.said, call.waiting, call.status             # ["Press 1 …"], True, "in-progress"
    call.press("1")                                  # or call.wait(), call.hang_up()

    sim.phone("+12125550124", landline=True)         # or unknown, off, receipts=False
    sim.carrier_says(30007, to="+12125550123")       # the next text to it is filtered
    sim.callbacks_late(30)                           # status callbacks come 30 s after
    sim.deliver_callbacks(copies=3, shuffle=True)    # webhooks three times, out of order
    sim.faults.add("POST .*/Messages.json", "status", status=503, processed=True, times=1)
    assert sim.refusals == [] and sim.alerts == [] and sim.crashes == []

`sim.url` stands for every host of Twilio's (TWILIO_API). Nothing moves by itself: a number sends one
segment a second, so `clock.advance(...)`, then `sim.run()`. What we get wrong is refused as Twilio
would and kept in `sim.refusals`; webhooks that fail and TwiML that makes no sense are in
`sim.alerts`; every request received is in `sim.requests`, every webhook in `sim.sent`, every text in
`sim.messages` with its history. What the documents leave open is in Options, each choice explained
in docs/simulator.md. The code shares nothing with the bundle, on purpose: it has to be able to
contradict it.
"""

from ..simulator import StoryError
from .options import Options
from .records import Alert, HandsetText, Received, Refusal, Sent
from .signing import signature
from .sim import TwilioSim
from .state import Handset, Message, OwnedNumber, Service
from .voice import Call

__all__ = ["Alert", "Call", "Handset", "HandsetText", "Message", "Options", "OwnedNumber",
           "Received", "Refusal", "Sent", "Service", "StoryError", "TwilioSim", "signature"]  # fmt: skip
