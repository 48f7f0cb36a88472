"""LivePerson on one machine: one object, real HTTP on one loopback port, injected time.

How a story uses it:

    sim = LivePersonSim(clock, options=Options(), seed=7).serve()
    sim.add_account("10000001", "owner"); sim.add_account("10000002", "sub")
    sim.add_skill("10000001", "kay"); sim.add_skill("10000002", "kay-bot")
    sim.add_skill("10000002", "kay-associates", transfer_wait_s=7200)
    sim.add_group("10000002", "Store 0412")
    sim.add_user("10000002", "dana@brand.example", group="Store 0412", skills=("kay-associates",))
    sim.add_template("10000001", "666555567001", "{1} here. Reply STOP to end texts.", 1)
    sim.map_number("+12125550100", "10000001", "kay")
    sim.roll_over(("10000001", "kay"), ("10000002", "kay-bot"))
    sim.install_bot("10000002", "kay-router", "kay-bot", stack_url, client_id, "draft")
    sim.install_webhook("10000002", client_id, secret, f"{stack_url}/liveperson/events")
    sim.secrets_for("10000002")                 # JSON for the account's secret

    sim.agent("dana@brand.example").login()
    sim.text_from("+12125550123", to="+12125550100", text="Is my ring ready?")
    sim.run()                                   # bot calls, transfers, webhooks
    conversation = sim.conversation(phone="+12125550123")
    sim.agent("dana@brand.example").accept(conversation)
    sim.deliver(copies=3, shuffle=True)         # webhooks three times, out of order
    sim.agent("dana@brand.example").reply(conversation, "It is!")
    sim.handset("+12125550123")                 # what reached the handset: the ground truth
    assert sim.refusals == [] and sim.crashes == []

`sim.url` stands for the domain API and for every host (LIVEPERSON_DOMAIN_API and
LIVEPERSON_GATEWAY). Nothing moves by itself: `clock.advance(...)`, then `sim.run()`. What we get
wrong is refused as the vendor would and kept in `sim.refusals`; every request received is in
`sim.calls`, every request made in `sim.sent`. What the documents leave open is in Options, each
choice explained in docs/simulator.md. The code shares nothing with the bundle, on purpose: it has
to be able to contradict it.
"""

from ..simulator import StoryError
from .options import Options
from .records import Call, HandsetText, Refusal, Sent
from .sim import LivePersonSim
from .state import Campaign, Conversation, Message, Recipient

__all__ = ["Call", "Campaign", "Conversation", "HandsetText", "LivePersonSim", "Message", "Options",
           "Recipient", "Refusal", "Sent", "StoryError"]  # fmt: skip
