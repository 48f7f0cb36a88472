"""Sentences that take consent back, and those that say the opposite: data for phrases.py.

A phrase begins at its verb, so that a negation before it can be told ("never stop texting me").
"""

from __future__ import annotations

ENGLISH = """
    # stop texting me; quit spamming my phone; stop reaching out
    stop/quit/cease/halt @contacting !you @whom*2 ~
    stop/quit @contacting @whom*2 phone/number/cell/family/husband/wife/mom ~
    stop/quit/cease/halt/discontinue !by/in/over/at/off/for/missing/losing/ignoring/getting \
        @filler*6 !by/at/in _? !by/at/in _? @texts @whom*2 ~
    stop/quit/cease/discontinue !by/in/over/at/off/for @filler*6 @text \
        !me/you/back/is/it/on/about/when/if/my ~
    stop/quit @contacting $
    stop/quit/cease writing/pinging/emailing/blasting me/us/this ~
    stop/quit blowing/hitting/lighting up? my/me/us/our up? ~
    stop/quit reaching out ~
    stop/quit/cease sending/sendin me/us? \
        these/this/those/things/stuff/crap/shit/junk/anything/ads/offers/promotions/coupons ~
    stop/quit/cease sending me/us? $
    cease/stop all/any/further communication/communications/contact/contacts/correspondence
    discontinue/stop receiving/getting @filler*5 @texts
    @dont continue to? @contact/texting me/us ~
    done/through/tired/sick with/of @getting*5 _? @texts
    stop/quit/end/cease @filler*3 communication/communications/contact/correspondence/outreach \
        !on/in
    stop/quit/end/cease @filler*2 text/message chain/thread/thing/stuff/crap/list/program/service
    # the texts have to end
    texts/messages/alerts/notifications have/has/need/needs/must/should/better to? stop/end
    make/get/have/want/need/like @filler*4 _? texts/messages/alerts/notifications to? \
        stop/end/stopped
    make/get this/it/that/these/them to? stop $
    need/needs/want/like/got these/this/them/it to stop/end $
    please stop/stopit $
    to stop/quit $
    asked/told/telling/asking/tell/ask/said you/them/him/her/kay @filler*2 to? stop
    have/had/need/got to say stop
    say/said/text/texted/typed/replied/reply stop !by/in
    i said stop
    enough with/of @filler*4 _? @texts/texting/text
    enough texts/messages/texting
    turn/shut/switch off @filler*5 @texts/alert
    turn/shut/switch @filler*4 @texts off
    cancel/end/deactivate/disable/terminate @filler*4 _? \
        texts/messages/alerts/sms/notifications/texting !from ~
    cancel/end @filler*4 text/texting/sms/alert subscription/service/program/enrollment/alerts
    # do not text me any more
    @dont ever/you/please/you*2 @contact/texts me/us/this/our/here/again/anymore \
        !the/a/an/those/their @whom/phone/number/ever*3 ~
    @dont ever/you/please*2 @contact/texts $
    @dont ever/you/please*2 @contact/texts my phone/cell/number/line phone/number? ~
    @dont ever/you/please*2 call/email or/and/nor/text*2 @contact @whom*2 ~
    @dont ever/you/please*2 text/contact/message or/and/nor call/email @whom*2 ~
    @dont ever/you/please*2 send me/us? anything/nothing/stuff/things ~
    @dont ever/you/please*2 send/sending @filler*5 _? @texts ~
    @dont need/have to @contact me/us/anymore/again anymore/again/please/ever*2 $
    @dont send @filler*5 these/this/them/crap/junk $
    rather you didnt/dont/not/wouldnt @contact/texts me/us ~
    if you didnt/dont/wont/wouldnt/stopped/quit @contact/texts/texting me/us ~
    you not @contact/texts me/us ~
    you to not/dont @contact/texts me/us ~
    you to stop/quit @contacting/sending ~
    no need/reason to @contact me/us? anymore/again/further/ever
    @dont want/need/like you/kay/anyone/anybody to @contact/send me/us ~
    refrain from @contacting/sending
    # I do not want your texts
    @dont want/wish/care/need/like/desire/accept @getting*6 !on/in _? \
        texts/messages/sms/alerts/contacted/texted/messaged/notifications/texting/communications \
        !on/inside/engraved ~
    @dont want/wish/care to be contacted/texted/messaged/bothered
    not want/wish/interested in/to? @getting*6 _? \
        texts/messages/sms/alerts/contacted/texted/messaged/texting/messaging
    not interested in getting/receiving/being @getting*4 $
    didnt/dont/never ask/sign/signup/subscribe/agree/request/recall/remember @getting*2 \
        for/up/to/signing/agreeing*3 @getting*4 texts/messages/text
    didnt ask for this/these $
    mom/dad/husband/wife/son/daughter/he/she doesnt/dont want/need/like @getting*5 \
        texts/messages/these/them anymore?
    rather/prefer not @getting*6 _? \
        texts/messages/sms/alerts/contacted/texted/messaged/texting/notifications
    rather/prefer/like/want no @getting*3 texts/messages/sms/contact
    like/want/wish/prefer to not @getting*6 texts/messages/sms/alerts/contacted/texted/messaged
    like/want/wish to? stop/quit/discontinue/end @getting*6 _? \
        texts/messages/sms/alerts/communications
    discontinue receiving
    @dont consent/agree to @getting*5 _? texts/messages/sms/texting/texted/contacted/messaged/this
    @dont consent $
    not consent
    @dont give/have/had my/our/@getting*2 permission/consent/authorization to @contact/send
    not have my permission/consent
    never @getting*2 signed/agreed/consented/asked/subscribed up? for/to @getting*4 \
        this/these/texts/messages/text/texted $
    revoke/revoking/revoked/withdraw/withdrawing/withdrew/rescind/rescinding/remove/cancel/take/taking back? \
        my/our/@getting*4 consent/permission/authorization
    # no more texts
    no more @filler*3 _? texts/messages/sms/texting/alerts/spam/notifications/messaging ~
    no more text/message/contact $
    no more !than/questions please*2 $
    no further texts/messages/contact/communication/texting
    ^ no texts/texting/messages/sms please/ever/anymore/from/you/kay/to/me/this/number*4 $
    # lists and numbers
    take/remove/delete/drop/get/scratch/strike/pull me/us/name/number/this off/from/out \
        @of_list*4 !@wait _? @list
    take/remove/delete/drop/get/scratch/strike/pull my/our/his/her/this name/number/phone/cell*2 \
        off/from/out @of_list*4 !@wait _? @list
    take/get/remove/drop me/us/number off/from/out of? this/these/here/everything $
    take me off $
    take/remove/delete/get/pull my/our/all \
        name/info/information/contact/details/data/number/from/off*3 off/from/out @of_list*4 \
        !@wait _? @list
    get rid of my/our/this phone/cell? number
    remove/delete/drop _ from @of_list*3 list/database/system/texts
    get/have me off of? @of_list*4 !@wait _? thread/chain/chat/group/blast
    take/taken/remove/removed me? off/from of? this/these/here $
    want/like out $
    delete me $
    remove/delete/unsubscribe me/us $
    want/like/wish/need to? be/get/come? off/out @of_list*4 !@wait _? @list
    be/get/getting removed/taken/deleted/dropped/off off/from/out? @of_list*4 !@wait _? @list
    get off @of_list*4 !@wait _? list/lists
    remove/delete/lose/forget/erase/drop/scrub please? my/this/our phone/cell/mobile/telephone? \
        number !of/from/on/for/in $
    remove/delete/lose/forget/erase/drop please? my/this/our phone/cell/mobile? number from \
        @of_list*4 @list/phone/phones/records/files
    remove/delete/lose/forget/erase please? my/this/our phone/cell/mobile? number \
        and/please/asap/immediately/now/she/he/i/we
    take/get/remove my/this/our phone/cell/mobile? number off/out !the/my ~
    # unsubscribe, opt out
    unsubscribe/unsub me/us/this/number/my
    unsubscribe/unsub from @of_list*4 all/this/these/texts/messages/everything/here/list/it
    to unsubscribe/unsub/optout $
    want/wish/like/need/please/must/how/i/gotta to/i/do/can*3 unsubscribe/unsub/optout $
    optout of/from @getting*5 _? \
        texts/messages/list/sms/alerts/everything/text/texting/communications
    m/am/are/be/re optout $
    optout of/from this/these/it/all/here $
    opt me/us/him/her/number out
    opt this/my/our phone/cell? number out
    # somebody else's number
    ^ sorry/sorry/think/i/this/is/its/it/s/a/the*6 wrong number/person/phone $
    you have/ve/got/has/are/re/texting/messaging/reached/texted*3 the/a*1 wrong \
        number/person/phone/guy/lady $
    leave me/us alone
    leave me/us be $
    @dont use this/my/it number/phone/line/it*2 for/to please? texts/texting/text
    if you @contact/texts me/us again
    ^ stop/quit asking/begging $
    fuck/piss/bugger off $
"""

SPANISH = """
    # no me escriban mas; no me molesten
    no/yano/nunca me/nos @escriba !el/la/los/las/un/una/lo mas/nunca/nada/por/mensajes/porfavor*3 ~
    no/yano/nunca/que me/nos? vuelva/vuelvan/vuelvas/vuelven a \
        @escribir/mandar/enviar/llamar/@mandar
    no/yano/nunca me/nos/le/les/lo? @mande mas/nada/nunca $
    no/yano/nunca me/nos/le/les? @mande @lleno*4 @mens ~
    no/yano/nunca me/nos/le/les? @mande nada/ningun mas/mensaje/por/texto*3 $
    no/yano @escribir mas/nunca/porfavor*2 $
    no/yano @mandar @lleno*4 @mens
    no/yano quiero/queremos/deseo que me/nos @escriba/@mande ~
    # dejen de mandarme mensajes; paren de escribirme
    @dejar de estar? @escribir/escribiendo/molestando/texteando/contactando/fastidiando ~
    @dejar de estar mandando/enviando/mandandome/enviandome @lleno*4 @mens/cosas/esto/eso
    @dejar de mandar/enviar/mandarme/enviarme cosas/tantas/tantos/esas/esos*3 ~
    para/pare/paren/parenle/parale ya? con @lleno*3 @mens
    @dejar de \
        mandar/mandarme/mandarnos/mandarle/mandarles/enviar/enviarme/enviarnos/enviarle/enviarles \
        @lleno*4 @mens/eso/esto/cosas/publicidad
    @dejar de mandar/mandarme/enviar/enviarme $
    @dejar de recibir @lleno*4 @mens
    paren/pare/detengan/detenga/terminen con? @lleno*3 @mens
    basta/suficiente de/con/ya @lleno*3 @mens
    # no quiero mensajes
    no/yano quiero/deseo/queremos/necesito/quisiera/deseamos @lleno*6 _? @mens !en/dentro
    no/yano quiero/deseo/queremos nada/informacion/mas/promociones*3 por mensaje/texto/mensajes/sms
    no/yano quiero/deseo/queremos @lleno*3 que/me*2 @escriba/@mande
    no me interesa/interesan/gusta @lleno*4 @mens
    no estoy/estamos interesado/interesada/interesados en @lleno*4 @mens
    no autorizo/acepto/consiento/apruebo @lleno*4 _? @mens/contacto
    no/yano doy/tienen/tiene @lleno*2 mi/su? consentimiento/permiso/autorizacion
    retiro/revoco/cancelo/retirar/revocar/anulo/quito @lleno*3 consentimiento/permiso/autorizacion
    no estoy de acuerdo en/con recibir/que/los/sus/@mens
    no/yano mas/ningun @lleno*3 @mens
    no/ni mas mensaje/texto $
    # darse de baja
    @debaja debaja $
    @debaja debaja de @lleno*4 _? @mens/lista/esto/todo/aqui
    @debaja debaja de esta/esto/aqui/todo/su/la lista? $
    quiero/pido/solicito/deseo/necesito la/mi? debaja/baja $
    desuscribir/desuscribirme/desuscribanme/desuscribame/desinscribir/desinscribirme $
    quiero/puedo/deseo/necesito desuscribirme/desinscribirme
    # la lista, el numero
    @quite me/nos? mi/el/este/mi/nombre/numero*3 de @lleno*2 lista/listas/sistema/contactos/base \
        !deespera/para
    @quite de la/su/tu/esta/sus lista/sistema/contactos/base !deespera/para
    @quite de lista de mensajes/contactos
    @quite de ahi/aqui/esto/esta $
    @quite mi/este numero/celular/telefono/cel !anterior/viejo/de/del/y/porque $
    @quite mi/este numero/celular/telefono de @lleno*2 lista/sistema/contactos/base/registros
    cancelar/cancelen/cancele/cancela/cancelo/cancelenme/anular/anulen/anule @lleno*4 \
        mensajes/textos/suscripcion/notificaciones/sms/alertas
    quitar/borrar/eliminar/sacar mi/este/nuestro numero/telefono/celular/nombre $
    quitar/borrar/eliminar/sacar mi/este/nuestro numero/telefono/celular/nombre de @lleno*2 \
        lista/sistema/contactos/base !deespera/para
    no/yano sigan/siga/sigas mandando/enviando/escribiendo/molestando/texteando
    @dejar de llenarme/bombardearme/acosarme/spamearme
    numero equivocado $
    ^ tiene/tienen/tienes/es/este/creo/que/un/el/al*5 numero equivocado
    equivoco/equivocaron/equivocado/equivoca/equivocada de numero/persona
    dejenme/dejame/dejeme/dejen/dejenos en paz/me*2
    detengan/detenga/detener @lleno*4 mensajes/textos/envios
    no mensajes/textos/sms $
"""

FRENCH = """
    # arretez de m'ecrire; cessez vos envois
    @arreter de/d @pron*2 @ecrire ~
    @arreter de/d @pron*2 envoyer @vide*5 _? @mess/@mess1/ca/choses/cela
    @arreter de/d @pron*2 envoyer $
    @arreter de/d recevoir @vide*5 _? @mess
    @arreter avec? @vide*4 @mess/envois ~
    arretez/cessez/arrete tout/ca $
    @arreter toute/tout communication/contact/envoi
    # ne m'ecrivez plus
    ne/n/m/me/nous m/me/nous*2 @ecrivez plus/jamais ~
    ne/m/me/nous m/me/nous*2 @ecrivez pas !a/au/le/la ~
    ne/n/m/me/nous m/me/nous/lui/leur*2 @envoyez plus rien/jamais $
    ne/n/m/me/nous m/me/nous/lui/leur*2 @envoyez plus/pas/aucun @vide*5 @mess/@mess1/rien ~
    ne/n/m/me/nous m/me/nous*2 @envoyez plus ca/cela
    ne plus/pas/jamais @pron*2 @ecrire ~
    ne plus/pas/jamais @pron*2 envoyer/recevoir @vide*5 @mess/@mess1 ~
    ne plus/jamais @pron*2 envoyer/recevoir rien? $
    ne plus/pas etre contacte/contactee/texte/derange/derangee
    # je ne veux plus de messages
    veux/souhaite/desire/voudrais/voulons/veut/accepte/aime/besoin plus/pas/aucun @vide*6 _? \
        @mess !dans/sur/a
    veux/souhaite/desire/veut plus/pas etre contacte/contactee/texte/textee/derange/derangee
    veux/souhaite/desire/veut plus/pas que vous me/m @ecrivez/ecriviez/contactiez/textiez/envoyiez
    me/nous retirer/enlever/supprimer/effacer/oter/rayer de/des @vide*4 \
        liste/listes/contacts/systeme/base/envois !dattente
    etre retire/retiree/enleve/enlevee/supprime/supprimee de/des @vide*4 \
        liste/listes/contacts/systeme/envois !dattente
    interesse/interessee/interesses par/a @vide*4 @mess  # after "pas"
    retire/revoque/annule/retirer/revoquer mon? consentement/autorisation/permission/accord
    consens/accepte plus/pas a/de/d/que*2 @vide*4 _? @mess/contacte/contactee/etre
    ^ non/svp/merci/je/veux/d/avec*3 plus/pas de/d/aucun/un*2 @mess/message/texto !sur/a \
        svp/merci/de/votre/part/vous*3 $
    ^ plus/jamais*2 aucun/de/d @mess/message/texto/contact $
    fini/finis/assez les/avec/de/des @vide*2 @mess
    # se desabonner
    me/nous/se desabonner/desinscrire $
    me/nous/se desabonner/desinscrire de/des @vide*4 _? @mess/liste/tout/ca
    desabonnez/desabonner/desabonne/desinscrivez/desinscris moi/nous/mon
    # la liste, le numero
    @retirez moi/nous de/des @vide*4 liste/listes/contacts/systeme/base/envois/ca !dattente
    @retirez mon/ce/notre numero/cellulaire/telephone/cell/nom $
    @retirez mon/ce/notre numero/cellulaire/telephone/nom de/des/du @vide*3 \
        liste/listes/systeme/contacts/base/dossiers/registres !dattente
    @retirez moi/nous $
    annulez/annuler/annule @vide*4 messages/textos/textes/sms/alertes/notifications
    annulez/annuler/resilier/resiliez mon/l abonnement aux/a/des/par @vide*3 @mess/texto
    ^ desole/desolee/c/est/un/le/oups*4 mauvais/faux numero $
    avez/as/est/es le/un mauvais/faux numero $
    trompez/trompe/trompes de numero/personne
    plus/pas besoin de/d @pron*2 @ecrire
    me/m desabonne/desinscris $
    erreur de numero $
    laissez/laisse/fichez/foutez/fiche/fous moi/nous tranquille/la/en paix?
"""

# The opposite, of the verb it stands before only: "why did you stop texting me", "no dejen de
# escribirme", "n'arretez pas".
OPPOSITE = """
    dont/never/cant/wont/didnt/not/doesnt/wouldnt/hasnt/havent/shouldnt/couldnt \
        ever/want/you/to/them/please/mean/meant/these/the/my/texts/messages*5 \
        stop/stopped/quit/cease/end/cancel/unsubscribe/optout/remove/take/delete/turn/drop/discontinue/stopit
    did/have/has/had/why/if you/they/kay/we stop/stopped/quit/cancel/remove/delete/end/take
    dont/didnt/never want/mean/meant to to? stop/miss/lose/unsubscribe/optout/end
    dont want to miss
    never/didnt/not said/say/asked/told/texted/wrote/typed/requested @filler*2 stop/to/you
    no/nunca/ni me/nos? @dejar de
    no/nunca quiero/quisiera/queremos? dejar/darme/cancelar/desuscribirme
    no quiero/queremos que dejen/paren/cancelen/quiten/borren
    no cancelen/cancele/cancelar/cancela/detengan/paren
    no quiero/queria/necesito @debaja
    no me? @quite
    n/ne pas? @arreter pas/jamais/de
    ne/n @arreter @vide*2
    avez/avait/aviez/as/a/ont/ai vous/tu/ils/on*1 arrete/cesse
    vous/tu/pourquoi ne/n? m/me/nous/lui @ecrivez/envoyez plus/pas
    veux/veut/voulais/voudrais pas/plus me/nous? desabonner/desinscrire/arreter
    ne me/nous? @retirez/desabonnez pas/jamais
    n annulez/annule/annuler pas
    l/d/un/cet/en/prochain/mon arret
"""
