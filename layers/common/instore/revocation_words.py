"""The words of taking consent back, in English, Spanish and French: data, no rules.

Lower case, no accents, no apostrophes ("dont"; in French "m ecrire"), common shorthand already
written out (SHORTHAND). docs/revocation.md says how they are used; tests/unit/revocation has the
sentences they answer for.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _lines(text: str) -> frozenset[str]:
    return frozenset(line.strip() for line in text.splitlines() if line.strip())


# Alone, or several of them, with manners around. Spaces inside ("o p t out") do not matter.
ALONE = _words("""
    stop stopp stp sotp stpo tsop sstop st0p dtop stip stpp stopall stopit quit end cancel revoke
    unsubscribe unsubscribed unsuscribe unsubcribe unsubscrib unsub optout optingout remove
    baja alto parar pare paren basta yabasta detener cancelar cancele cancelen terminar nomas
    desuscribir desuscribirme desinscribir desinscribirme anular
    arret arrets arrete arreter arretez stopper desabonner desabonnement desabonnez desinscrire
    desinscription cesser cessez resilier annuler annulez
""")
# What the carrier takes by itself, when nothing else stands in the text.
CARRIER = _words("STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT")
# The whole text, with manners around.
WHOLE = _lines("""
    stop all
    stop this
    stop now
    stop already
    stop everything
    just stop
    i said stop
    make it stop
    make this stop
    stop that
    text stop
    reply stop
    optout all
    optout now
    cease and desist
    leave me alone
    go away
    get lost
    block
    block me
    block this number
    shut up
    eat shit
    fuck you
    dont message
    dont message me
    piss off
    fuck off
    no text
    no texts
    no texting
    no messages
    no contact
    no more
    no mas
    yano
    yano mas
    remove me
    remove us
    take me off
    enough
    dont text
    dont contact
    stop contact
    not interested stop
    para
    fin
    dar debaja
    quiero la baja
    anular suscripcion
    cancelar suscripcion
    assez
    ca suffit
    plus rien
    retirez moi
    retire moi
    enlevez moi
    enleve moi
    borrenme
    borreme
    saquenme
    quitenme
""")  # fmt: skip
# Said as a sentence of its own amid others: "Not interested. STOP." A lone "end" is too weak.
CLAUSES = _lines("""
    stop
    stopall
    stop all
    stop this
    end this
    remove me
    take me off
    unsubscribe
    optout
    revoke
    unsubscribe me
    opt me out
    cease and desist
    arret
    arrete
    arretez
    arrete ca
    arretez ca
    arretez tout
    ca suffit
    baja
    basta
    ya basta
    para ya
""")
MANNERS = _words("""
    please kindly thanks thankyou ok okay hi hello hey sorry sir madam mam maam immediately now just
    guys folks everyone so and but again asap lol already anymore
    porfavor gracias hola ya senor senora y pero
    merci svp stp bonjour madame monsieur et mais
""")
# Written out before anything else is looked at.
SHORTHAND = {
    "txt": "text", "txts": "texts", "txting": "texting", "textin": "texting", "texing": "texting",
    "textng": "texting", "txtng": "texting", "txted": "texted", "msg": "message",
    "msgs": "messages", "mssg": "message", "mssgs": "messages", "msging": "messaging",
    "mesage": "message", "mesages": "messages", "u": "you", "ur": "your", "pls": "please",
    "plz": "please", "plse": "please", "pleas": "please", "pleez": "please", "thx": "thanks",
    "thnx": "thanks", "ty": "thanks", "tnx": "thanks", "dnt": "dont", "donot": "dont",
    "w": "with", "im": "i m", "ive": "i ve", "wanna": "want to", "gonna": "going to",
    "nomore": "no more", "yall": "you", "youve": "you ve", "num": "number",
    "msj": "mensaje", "msjs": "mensajes", "mjs": "mensajes", "mensage": "mensaje",
    "mensages": "mensajes", "porfa": "porfavor",
    "xfavor": "porfavor", "xfa": "porfavor", "q": "que", "k": "que",
    "mecrire": "m ecrire", "menvoyer": "m envoyer", "mecrivez": "m ecrivez",
    "menvoyez": "m envoyez", "pu": "plus", "jveux": "je veux",
    "silvousplait": "svp",
}  # fmt: skip
# Several words that are one idea.
SAYINGS = {
    " s il vous plait ": " svp ", " s il te plait ": " svp ", " right away ": " now ",
    " right now ": " now ", " thank you ": " thankyou ", " por favor ": " porfavor ",
    " at once ": " now ", " at all ": " ", " est ce que ": " ", " a ce numero ": " ",
}  # fmt: skip
PAIRS = {
    ("do", "not"): "dont", ("don", "t"): "dont", ("did", "not"): "didnt", ("can", "not"): "cant",
    ("does", "not"): "doesnt", ("will", "not"): "wont", ("no", "longer"): "nolonger",
    ("any", "more"): "anymore", ("opt", "out"): "optout", ("opting", "out"): "optout",
    ("opted", "out"): "optedout", ("text", "message"): "texts", ("text", "messages"): "texts",
    ("text", "messaging"): "texts", ("text", "msgs"): "texts", ("stop", "it"): "stopit",
    ("ya", "no"): "yano", ("de", "baja"): "debaja", ("de", "espera"): "deespera", ("d", "attente"): "dattente",
    ("check", "in"): "checkin",
}  # fmt: skip
# Long enough that one slip of the thumb makes no other word, with those that it does make.
OFTEN_MISTYPED = _words("""
    unsubscribe messages messaging texting contacting bothering harassing notifications
    mensajes desuscribirme desabonner desabonnez desabonnement desinscrire
""")
REAL_WORDS = _words("""
    massages massaging passages testing resting tenting tasting taxing vexing nesting
    contacting contracting bothering messages messaging message messaged mensaje notification
    unsubscribed unsubscriber mensajero mensajera desabonne
""")

SETS: dict[str, frozenset[str]] = {
    # English
    "texts": _words("texts messages sms mms alerts notifications promos promotions spam "
                    "solicitations communications blasts texting messaging spamming"),
    "text": _words("text message alert notification"),
    "filler": _words("""
        with it the these this those that all your of any more anymore further me us my to from
        sending getting receiving constant daily weekly endless promo promotional marketing
        automated automatic annoying stupid damn damned fucking freaking unwanted unsolicited
        random every each so many other such crazy kind type types please no extra future
    """),
    "getting": _words("""
        to get getting receive receiving be being have having your the these this those any more
        further of from all to by anymore such kind such sent more additional other
    """),
    "contacting": _words("texting messaging contacting bothering harassing bugging spamming "
                         "pestering annoying hounding soliciting"),
    "contact": _words("text message contact sms bother spam solicit"),
    "whom": _words("me us him her them this my our here number phone line"),
    "dont": _words("dont never nolonger"),
    "list": _words("list lists database system texts messages contacts directory records thing thread program "
                   "distribution sms rolodex"),
    "of_list": _words("of your this the that these from text texting sms contact contacts "
                      "calling call mailing marketing phone email distribution message messaging "
                      "all any subscriber customer"),
    "wait": _words("wait waiting wish guest waitlist wishlist repair registry"),
    # Spanish
    "mens": _words("mensajes textos sms mensajitos notificaciones publicidad promociones spam"),
    "lleno": _words("mas la sus los estos esos tus los las de ustedes suyos mis tantos recibir "
                    "ningun ningunos estas esta esa recibiendo ver a me que el por todos todo "
                    "enviando mandando mi su tu"),
    "mande": _words("mande manden mandes envie envien envies mandar enviar mandarme enviarme"),
    "escriba": _words("escriba escriban escribas contacte contacten contactes textee texteen "
                      "textees texte texten textes moleste molesten molestes"),
    "escribir": _words("escribir escribirme escribirnos molestar molestarme textear textearme "
                       "contactar contactarme mensajear mensajearme fastidiar fastidiarme"),
    "mandar": _words("mandar mandarme mandarnos mandarle mandarles enviar enviarme enviarnos "
                     "enviarle enviarles recibir"),
    "dejar": _words("deje deja dejen dejar dejas dejo pare para paren parar parenle parele"),
    "quite": _words("quite quiten quiteme quitenme quitame saque saquen saqueme saquenme sacame "
                    "elimine eliminen elimineme eliminenme eliminame borre borren borreme borrenme "
                    "borrame quitar sacar eliminar borrar remueva remuevan remuevanme elimina borra quita saca"),
    "debaja": _words("dar darme darnos darse deme denme dame doy damos den dennos"),
    # French
    "mess": _words("messages textos textes sms notifications envois courriels pubs publicites promos "
                   "alertes spams"),
    "mess1": _words("message texto sms"),
    "vide": _words("les vos ces tes des de tous toutes tout mes m me nous recevoir d envoyer "
                   "l envoi autres aux ce genre votre ton ta sa mon par la le a aucun aucune plus"),
    "pron": _words("m me nous d t lui leur vous les de n"),
    "ecrire": _words("ecrire texter contacter deranger harceler achaler importuner solliciter "
                     "relancer spammer ecoeurer"),
    "ecrivez": _words("ecrivez textez contactez derangez ecris texte contacte derange ecrit "
                      "achalez relancez sollicitez"),
    "envoyez": _words("envoyez envoie"),
    "arreter": _words("arretez arrete arreter arretiez cessez cesse cesser cessiez"),
    "retirez": _words("retirez retirer retire enlevez enlever enleve supprimez supprimer supprime "
                      "effacez effacer efface otez oter rayez radiez"),
}  # fmt: skip

# What follows a wish about when or where, not whether: "before noon", "at 6am", "on Sundays".
WHEN = """
    before/after/until/till/til/while/during/when/unless/today/tonight/tomorrow/early/late
    at !all/this/the/that/my
    at the/my house/office/job/hospital/clinic/school
    so early/late/much/often/soon
    this early/late
    on !this/the/my/here
    on the/my weekend/weekends/way
    in the morning/evening/afternoon/mornings/evenings
    in front
    antes/despues/hasta/hoy/manana/cuando/mientras/durante/tan
    al/en trabajo/el/la/mi
    a la/las/mi/esta !numero
    los/el domingo/domingos/sabado/sabados/lunes/fin/viernes
    por la/las
    avant/apres/jusqu/pendant/quand/aujourd/demain/ce/si/durant
    au travail/bureau
    le dimanche/samedi/soir/matin/weekend
    a cette/la/mon
"""

# YES, which a carrier takes as START, is not here: in a conversation it answers a question.
RESTART = _words("""
    resume subscribe restart
    comenzar empezar iniciar alta reanudar reactivar commencer recommencer reprendre abonner
    reabonner
""")
# Those that are no answer to anything an associate may have asked.
SURE_RESTART = _words("start unstop resubscribe optin") | _lines("""
    opt in
    opt me in
    opt back in
    opt me back in
    start again
    un stop
    text me again
    you can text me again
    you may text me again
    start texting me again
    start texts
    sign me back up
    sign me up again
    subscribe me
    resubscribe me
    me reabonner
    darme de alta
""")
RESTART |= SURE_RESTART
