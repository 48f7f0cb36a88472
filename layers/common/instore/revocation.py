"""Taking consent back in plain words, and giving it again: English, Spanish and French.

The FCC counts seven words by themselves ("stop", "quit", "end", "revoke", "opt out", "cancel",
"unsubscribe") and any wording a reasonable person would read so (47 CFR 64.1200(a)(10)); the
carrier catches its own words only when they stand alone. A doubtful text to one who said no is
dearer than one text too few, but "stop by the store tomorrow" must stay a visit: words count alone,
beside courtesy or as a clause of their own, sentences count by their whole shape. A negation ("you
never stop") takes back only the verb it stands before. tests/unit/test_revocation.py lists both.

Every pattern is a plain sequence with bounded gaps: time is linear in the length of the text.
"""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 1600


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Alone, whatever the case, accents and punctuation; spaces are optional in two-word forms.
_WORDS = _words("""
    stop stopp stp sotp stpo st0p stopall stopit quit end cancel revoke unsubscribe unsubscribed
    unsuscribe unsubcribe unsubscrib optout optingout
    baja alto parar pare paren basta yabasta detener cancelar terminar nomas desuscribir
    desuscribirme desinscribir desinscribirme anular
    arret arrets arreter arretez arrete stopper desabonner desabonnement desabonnez desinscrire
    desinscription cesser cessez resilier annuler
""")  # fmt: skip
_SAID_WHOLE = frozenset({
    "stop all", "stop it", "stop this", "stop now", "stop already", "stop everything", "just stop",
    "i said stop", "make it stop", "make this stop", "stop that", "stop thank you", "opt out",
    "stop contact", "stop all contact", "no texts", "no text", "no txts", "no txt", "no messages",
    "no msgs", "no sms",
    "opting out", "opt me out", "leave me alone", "remove me", "take me off", "go away",
    "wrong number", "you have the wrong number", "no more", "not interested stop", "dont text",
    "do not text", "dont contact", "do not contact", "ya no", "no mas", "darme de baja",
    "quiero la baja", "dar de baja", "plus de messages", "plus de textos", "plus de sms",
    "ca suffit", "me desabonner", "laissez moi tranquille", "dejame en paz", "dejenme en paz",
})  # fmt: skip
_COURTESY = _words("""
    please pls plz kindly thanks thank you thx now ok okay hi hello hey sorry sir madam
    immediately right away just por favor gracias hola ya merci svp bonjour s il vous plait te
""")  # fmt: skip
_CLAUSE_END = re.compile(r"[.!?;,\n]|(?<=\s)[-–—](?=\s)")
# Said as a sentence of its own amid others: "Not interested. STOP." A lone "end" is too weak.
_CLAUSES = frozenset({"stop", "stopall", "stop all", "unsubscribe", "optout", "opt out", "revoke",
                      "arret", "arretez", "baja", "unsubscribe me", "opt me out"})  # fmt: skip

_TEXTS = r"(?:texts?|texting|txts?|txting|messages?|messaging|msgs?|sms|alerts|spam|spamming|notifications)"
# "… before noon", "… at work": a wish about when, not whether.
_NOT_WHEN = (r"(?! (?:before|after|until|till|while|during|at (?!all|this)|on|so"
             r"|today|tonight|tomorrow)\b)")  # fmt: skip
_SENTENCES = tuple(re.compile(pattern) for pattern in (
    # stop texting me; stop sending me these messages; quit spamming me
    rf"\b(?:stop|quit|cease|end|cancel) (?:\w+ ){{0,4}}{_TEXTS}\b{_NOT_WHEN}",
    r"\b(?:stop|quit|cease) (?:contacting|bothering|harassing|messaging|writing|emailing) "
    rf"(?:me|us|this)\b{_NOT_WHEN}",
    r"\b(?:stop|quit) sending (?:me|us|these|this|things|stuff|ads|offers|promotions)\b"
    rf"{_NOT_WHEN}",
    # do not text me any more; never contact me again
    r"\b(?:dont|do not|never|no longer) (?:ever |you |please )?"
    r"(?:text|message|contact|sms|msg|write|bother) "
    rf"(?:me|us|this number)\b(?: (?:again|anymore|any more|ever))?{_NOT_WHEN}",
    rf"\b(?:dont|do not|never) send (?:me |us )?(?:\w+ ){{0,2}}{_TEXTS}\b{_NOT_WHEN}",
    # I do not want your texts; I no longer wish to receive messages; no more texts
    r"\b(?:dont|do not|no longer|never) (?:want|wish|care|need) (?!to miss)(?:\w+ ){0,4}"
    r"(?:texts|text messages|messages|msgs|sms|contacted|texted|messaged)\b",
    rf"\bno more (?:\w+ ){{0,2}}{_TEXTS}\b",
    # opt me out; I want to unsubscribe; opt out of these texts
    r"\b(?:want|wish|like|need|trying|please|how do i|how can i) (?:to )?"
    r"(?:unsubscribe|opt out)(?: please| now| thanks?)?\Z",
    r"\b(?:opt (?:me |us )?out|opting out) (?:of|from) "
    rf"(?:\w+ ){{0,3}}(?:{_TEXTS}|list|everything)\b",
    r"\bunsubscribe (?:me|us|this number|my number|from)\b",
    r"\bopt me out\b",
    # take me off your list; remove my number
    r"\b(?:take|remove|delete|drop|get) (?:me|my name) (?:\w+ ){0,1}(?:off|from) (?:\w+ ){0,3}"
    r"(?<!wait )(?<!wish )(?<!guest )(?:list|texts|messages|sms|database|system|contacts)\b",
    r"\b(?:remove|delete|lose|forget) (?:\w+ ){0,1}my (?:phone |cell )?number\b"
    r"(?! from (?:my|the) (?:order|account|profile))",
    r"\b(?:take|remove) my (?:phone |cell )?number off\b",
    r"\b(?:revoke|withdraw|take back) (?:\w+ ){0,2}(?:consent|permission)\b",
    r"\bleave me alone\b",
    # Spanish
    r"\bno (?:me |nos )?(?:manden?|mandes|envien?|envies|escriban?|escribas|contacten?|contactes"
    r"|texteen?|molesten?|molestes)"
    r" (?:\w+ ){0,2}(?:mas|mensajes?|textos?|nunca|nada)\b",
    r"\bno me (?:escriban?|escribas|contacten?|contactes|texteen?|molesten?|molestes)\Z",
    r"\b(?:deja|deje|dejen|dejame|dejenme|para|pare|paren) de "
    r"(?:enviar|mandar|escribir|molestar|textear|contactar)\w*\b",
    r"\b(?:no|ya no) (?:quiero|deseo) (?:\w+ ){0,3}(?:mensajes?|textos?|sms)\b",
    r"\bno mas (?:mensajes?|textos?|sms|publicidad)\b",
    r"\b(?:dar(?:me|nos)|den(?:me|nos)|dame|deme) de baja\b",
    r"\b(?:quit|sac|elimin|borr)\w{1,4} (?:\w+ ){0,1}(?:de (?:la|su|tu|esta) lista|mi numero)\b",
    r"\bcancel(?:ar|en|e|a) (?:\w+ ){0,2}(?:mensajes?|textos?|suscripcion)\b",
    # French
    r"\b(?:arretez?|cessez?) (?:de |d )(?:\w+ ){0,1}"
    r"(?:envoyer|ecrire|texter|contacter|harceler|deranger)\b",
    r"\b(?:arretez?|cessez?) (?:les |vos |ces |tous les )(?:messages?|textos?|sms)\b",
    r"\bne? ?(?:m |me |nous )(?:envoyez|ecrivez|textez|contactez|envoie|ecris|texte|contacte) "
    r"(?:plus|pas)\b",
    r"\b(?:veux|souhaite|desire) (?:plus|pas) (?:\w+ ){0,4}(?:messages?|textos?|sms)\b",
    r"\b(?:desabonnez|desinscrivez|retirez|enlevez|supprimez) (?:moi|mon numero|nous)\b",
    r"\b(?:veux|voudrais|souhaite) (?:\w+ ){0,1}(?:desabonner|desinscrire)\b",
))  # fmt: skip
# "Why did you stop texting me", "please don't stop the messages": the opposite, of that verb only.
_OPPOSITE = re.compile(
    r"\b(?:dont|do not|never|cant|cannot|wont|will not|did you|didnt|not) "
    r"(?:ever |want you to )?"
    r"(?:stop|quit|cease|end|cancel|unsubscribe|opt)\b"
    r"|\bno (?:dejen?|dejes|paren?|pares) de\b|\bn arretez? pas\b"
)  # fmt: skip

# YES, which a carrier takes as START, is not here: in a conversation it answers a question.
_RESTART = _words("""
    start unstop resume subscribe resubscribe optin restart
    comenzar empezar iniciar alta reanudar reactivar commencer recommencer reprendre abonner
    reabonner
""") | frozenset({
    "opt in", "opt me in", "opt back in", "start again", "un stop", "text me again",
    "you can text me again", "sign me back up", "sign me up again", "subscribe me",
    "resubscribe me", "start texting me again", "start texts", "me reabonner", "darme de alta",
})  # fmt: skip


def is_revocation(text: str) -> bool:
    """Whether this message takes consent back. No context is needed or used."""
    if "🛑" in text[:_LONGEST] and not _fold(text.replace("🛑", " ")):
        return True
    clauses = [_fold(part) for part in _CLAUSE_END.split(text[:_LONGEST])]
    clauses = [clause for clause in clauses if clause]
    folded = " ".join(clauses)
    if _alone(folded) or any(_plain(clause) in _CLAUSES for clause in clauses):
        return True
    unmeant = _unmeant(clauses)
    return any(_says(sentence, folded, unmeant) for sentence in _SENTENCES)


def is_restart(text: str) -> bool:
    """Whether this message, all of it, asks for texts again: START and its kin."""
    folded = _fold(text)
    return _plain(folded) in _RESTART or folded in _RESTART


def _unmeant(clauses: list[str]) -> frozenset[int]:
    """Where in the joined clauses a negation and its verb stand, found in each clause by itself:
    what begins there says the opposite."""
    places: set[int] = set()
    begin = 0
    for clause in clauses:
        for found in _OPPOSITE.finditer(clause):
            places.update(range(begin + found.start(), begin + found.end()))
        begin += len(clause) + 1
    return frozenset(places)


def _says(sentence: re.Pattern[str], folded: str, unmeant: frozenset[int]) -> bool:
    """Whether the sentence is there and meant: "you never stop, stop texting me" is."""
    found = sentence.search(folded)
    while found is not None and found.start() in unmeant:
        found = sentence.search(folded, found.start() + 1)
    return found is not None


def _alone(folded: str) -> bool:
    """One of the words and nothing but courtesy, however often it is said."""
    if folded in _SAID_WHOLE:
        return True
    plain = _plain(folded)
    together = {plain.replace(" ", ""), folded.replace(" ", "")}  # "s.t.o.p" too
    return plain in _SAID_WHOLE or not together.isdisjoint(_WORDS) or (
        bool(plain) and set(plain.split()) <= _WORDS
    )  # fmt: skip


def _plain(folded: str) -> str:
    return " ".join(word for word in folded.split() if word not in _COURTESY)


def _fold(text: str) -> str:
    """Lower case, no accents, no apostrophes, nothing invisible, every other sign a space."""
    apart = unicodedata.normalize("NFKD", text[:_LONGEST]).casefold()
    bare = "".join(c for c in apart if unicodedata.category(c) not in ("Mn", "Cf"))
    bare = re.sub(r"(?<=n)['’`´](?=t\b)", "", bare)  # don't -> dont; d'envoyer -> d envoyer
    return re.sub(r"[^0-9a-z]+", " ", bare).strip()
