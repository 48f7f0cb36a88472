"""Sentences that must and must not count as taking consent back. Add a sentence, never remove one."""

import time

import pytest

from instore.revocation import is_restart, is_revocation

MUST = """
stop
STOP
Stop.
STOP!!!
 stop
"stop"
Quit
END
revoke
opt out
Opt-out
OPTOUT
cancel
Unsubscribe
STOPALL
Stop all
stop please
Please stop
pls stop
STOP STOP STOP
ok stop now
Just stop
I said stop
stop it
🛑
Please stop texting me
stop sending me these messages
STOP SENDING ME TEXTS
stop contacting me
Quit texting me please
quit spamming me
don't text me
Don’t text me anymore
Do not contact me again
never text this number again
Please do not send me any more messages
I don't want any more texts
I do not want to receive messages from you
I no longer wish to receive text messages
no more texts
No more messages please
take me off your list
Remove me from this list
please take me off your texting list
remove my number
Delete my phone number
Unsubscribe me
please unsubscribe me from this
I want to opt out
How do I unsubscribe
opt me out
I would like to opt out of these texts
I revoke my consent
I withdraw my consent to these messages
leave me alone
Not interested. STOP
STOP. I am not interested.
Please stop, not interested
wrong number
cancel these text messages
end these texts
unsuscribe
sotp
no más
No mas
NO MÁS mensajes
basta
Baja
quiero darme de baja
no me escriban más
No me manden más mensajes
dejen de enviarme mensajes
deja de molestarme
ya no quiero mensajes
no quiero recibir más textos
quítenme de la lista
borren mi número
por favor cancelar
arrêt
ARRET
Arrêtez
arrêter svp
arrêtez de m'envoyer des messages
Arrêtez de m’écrire
ne m'envoyez plus de messages
ne me contactez plus
je ne veux plus recevoir de textos
désabonnez-moi
je veux me désabonner
retirez-moi de votre liste
plus de messages s'il vous plaît
You never stop texting me. STOP
You people never stop! Unsubscribe me
You never stop, stop texting me
You did not, stop texting me
Please don't cancel my order. STOP texting me
Do not cancel my appointment but stop texting me
I do not want to cancel my ring order. Unsubscribe
Did you not read? I asked you to stop texting me and you did not stop. STOP.
This will never end. STOP
Why do you not stop? Remove me from your list
STOP - Maria
Maria — stop
s.t.o.p
S T O P
ST0P
＜ＳＴＯＰ＞
stop contact
stop txts
stop txting me
pls stop txt
No texts please
take my name off your list
STOP 🙏
"""

MUST_NOT = """
stop by the store tomorrow
I will stop by the store tomorrow
I'll stop in around noon
Can I stop over after work?
can you cancel my appointment
Please cancel my order
cancel the Saturday appointment, not the other one
end of the month
at the end of the week works
Does the sale end Sunday?
The weekend is fine
I quit my job so I have time
I can't stop looking at the ring
please don't stop texting me
Why did you stop texting me?
Did you stop sending the catalog messages?
don't stop
There is a bus stop in front
non-stop flight
Is it a full stop or a half size?
I don't want to miss your texts
don't text me before 10
Please don't text me at work, call instead
don't message me after 9pm please
no more gold, silver only
No more than 500 dollars
I want to opt for platinum
can I opt out of the warranty plan
how do I opt out of the protection plan?
remove me from the waitlist for the watch
please take me off the wait list
remove my number from the order
take me off hold
the text on the engraving should end with love
delete the second engraving
Can we end the layaway early
revoke the discount?
unsubscribed couples, what does that mean on the card
yes
ok
no
No thanks
not today
hello
When do you close?
I need to cancel one of the two rings
stop sign red or ruby red?
What is the return policy
I never got your message
I do not have the receipt
my number changed, here is the new one
paso por la tienda mañana
¿pueden parar el anillo en talla 6?
para el viernes por favor
no quiero el anillo de plata
la baja calidad no me gusta
no dejen de escribirme
alto quilate o bajo quilate?
un plus de messages serait bien pour la gravure
je passe au magasin demain
pouvez-vous annuler mon rendez-vous
n'arrêtez pas de m'écrire
l'arrêt de bus est devant le magasin
je ne veux plus la bague en argent
please do not ever stop texting me. You never cancel
Why did you stop texting me? Do not end it
no texts came through
take my name off the wait list
s.o.p.
non-stop - the flight I mean
"""


def lines(block: str) -> list[str]:
    return [line for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("text", lines(MUST))
def test_counts_as_revocation(text: str) -> None:
    assert is_revocation(text)


@pytest.mark.parametrize("text", lines(MUST_NOT))
def test_does_not_count(text: str) -> None:
    assert not is_revocation(text)


@pytest.mark.parametrize(
    "text", ["S\u200bTOP", "\u200fSTOP", "ST\u00adOP", "Stop\u202e", "S\u2060T\ufeffOP", "stop\u00a0",
             "STOP\n\nSent from my phone", "STO\ufe0fP", "STOP\ufffd",
             "STOP\u2028Ana", "STOP\rAna", "STOP -Ana", "STOP ~ Ana Diaz", "🛑 please", "🛑🛑",
             "ⓈⓉⓄⓅ", "🅂🅃🄾🄿"]
)  # fmt: skip
def test_what_nobody_sees_does_not_hide_it(text: str) -> None:
    assert is_revocation(text)


@pytest.mark.parametrize(
    "text", ["🛑 sign on the door?", "Meet at the stop -Main St", "Stop by -Ana", "drop-off at 5"]
)
def test_a_dash_or_a_sign_makes_no_stop(text: str) -> None:
    assert not is_revocation(text)


def test_lists_are_long_enough_to_mean_something() -> None:
    assert len(set(lines(MUST))) >= 40
    assert len(set(lines(MUST_NOT))) >= 40


@pytest.mark.parametrize(
    "text", ["START", "start", "Unstop", "opt in", "Opt-in", "resume", "subscribe",
             "please text me again", "COMENZAR", "alta", "reprendre", "Start, please"]
)  # fmt: skip
def test_restart(text: str) -> None:
    assert is_restart(text)
    assert not is_revocation(text)


@pytest.mark.parametrize(
    "text",
    ["YES", "yes please send the ring", "start of the week", "", "stop", "let us start over", "si"],
)
def test_no_restart(text: str) -> None:
    assert not is_restart(text)


@pytest.mark.parametrize("text", ["", " ", "...", "?!", "👍", "please", "thanks"])
def test_nothing_said(text: str) -> None:
    assert not is_revocation(text)


@pytest.mark.parametrize(
    "piece",
    [
        "stop ",
        "stop a b c d ",
        "no more ",
        "opt out of ",
        "do not want ",
        "é",
        "' ",
        "never stop ",
        "dont cancel texts, ",
        "s.",
        "stop - ",
    ],
)
def test_time_is_linear_in_the_length(piece: str) -> None:
    """Ten thousand characters of bait take about as long as the 1,600 that are looked at."""
    bait = piece * (10_000 // len(piece))
    started = time.perf_counter()
    is_revocation(bait)
    assert time.perf_counter() - started < 0.25
