"""Words that lists of people have in columns such as "Do not call", in five languages.

The languages are English, Welsh, Spanish, German and French. In each text below, bars separate the
phrases. `yes_no_columns` ignores accents, capitals and punctuation when it compares a cell with
these phrases. An organiser decides what any other word means.

Sources: the error values of Excel in these languages; the words for true and false in Excel,
Access, PostgreSQL and Python; exports of services that check numbers against the TPS, Bloctel and
Robinson lists.
"""


def phrases(text: str) -> frozenset[str]:
    """Split a text at its bars, and return the phrases."""
    return frozenset(" ".join(phrase.split()) for phrase in text.split("|"))


# These words are no answer. Excel writes #N/A if VLOOKUP finds nothing, which means "not on the
# TPS".
NOTHING = phrases("""
|null|nil|none|none found|no flag|unset|nan|na|n/a|n.a.|not applicable|not available|not found
|no value|no data|empty|blank
|(empty)|(blank)|(null)|(none)|undefined|pd.NA|<NA>|NaT|N|nul
|#N/A|#N/A N/A|#REF!|#VALUE!|#NAME?|#NULL!|#NUM!|#DIV/0!|#SPILL!|#CALC!|#FIELD!|#ERROR!
|#GETTING_DATA
|#NV|#BEZUG!|#WERT!|#ZAHL!|#ÜBERLAUF!|#KALK!|#FELD!
|#N/D|#¡REF!|#¡VALOR!|#¿NOMBRE?|#¡NULO!|#¡NUM!|#¡DIV/0!|#DESBORDAMIENTO!|#CALCULO!
|#VALEUR!|#NOM?|#NOMBRE!|#NUL!|#EPARS!|#PROPAGATION!|#CHAMP!|#ND|#NVT|#GWERTH!|#ENW?
|dim byd|gwag|amherthnasol|ddim ar gael
|nulo|ninguno|ninguna|nada|vacío|no aplica|no procede|no disponible|no encontrado|sin datos
|leer|keine|keiner|kein|nichts|nicht gefunden|entfällt|nicht zutreffend|keine angabe|k.A.
|nicht vorhanden
|néant|aucun|aucune|vide|rien|sans objet|s.o.|non trouvé|introuvable|non applicable|non disponible
""")

# These words mean "no". EITHER_WAY has exceptions.
NO = phrases("""
0|no|n|nope|not|never|f|false|off|fals|unticked|not ticked
|✗|✘|❌|☐|no thanks
|na|dim|nac ydw|nac ydy|nac ydi|nac oes|naddo|nage|nag ydw|nag ydy|nag oes|ddim|byth|anwir|gau
|falso|nunca
|nein|falsch|unwahr|nie|niemals|aus|nö
|non|faux|jamais|décoché
""")

# These words mean "yes".
YES = phrases("""
1|-1|yes|y|yep|yeah|yup|t|true|on|x|xx|ja|j|tick|ticked
|✓|✔|☑|✅|☒|√
|ie|ydw|ydy|ydi|oes|do|cywir|gwir|wedi'i dicio
|sí|si|verdadero|cierto|marcado
|jawohl|wahr|richtig|angekreuzt
|oui|vrai|coché
""")

# These words mean that the person wants no calls. EITHER_WAY has exceptions.
DO_NOT_CALL = phrases("""
dnc|do not call|donotcall|donotphone|donotcontact|no calls please|rip|t.p.s.|c.t.p.s.
|telephone preference service|do not call registry|don't call|dont call|do not ring|do not phone
|do not telephone|do not contact
|do not call list|never call|no call|no calls|no phone calls|not to be called|cannot call|can't call
|don't ring|don't phone|don't contact|must not call|may not call|no contact|no phone|not callable
|not ok to call|not okay to call|do not dial|don't dial
|opt out|optout|opted out|opted-out|out|unsubscribe|unsubscribed|stop|stop calling|stop calls
|refused|refuses|declined|withdrawn|consent withdrawn|withdrew consent|no consent|not consented
|without consent|does not consent|did not consent|consent refused|consent declined|objected|objects
|suppress|suppressed|suppression|blocked|barred|blacklist|blacklisted|excluded|exclude
|tps|ctps|tps/ctps|tps registered|ctps registered|on tps|on ctps|on the tps|on the ctps|tps match
|ctps match|tps yes|tps listed|registered with tps|tps hit|ctps hit|on dnc|dnc listed|on dnc list
|on the dnc list|on do not call list|on the do not call list|federal dnc|state dnc|national dnc
|robinson|robinson list|bloctel
|deceased|dead|died|passed away|r.i.p.
|peidiwch â ffonio|peidiwch â galw|peidio â ffonio|peidio â galw|dim galwadau|dim galw|dim ffonio
|peidiwch â chysylltu|wedi optio allan|optio allan|dim caniatâd|heb ganiatâd|gwrthod|wedi gwrthod
|ar y TPS|wedi'i rwystro|wedi marw|ymadawedig
|no llamar|no llamen|no contactar|no telefonear|no quiere llamadas|sin llamadas|baja|dado de baja
|dada de baja|lista robinson|en lista robinson|en la lista robinson|inscrito en lista robinson
|rechaza|rechazado|rechazada|sin consentimiento|no consiente|no autoriza|no autorizado|excluido
|excluida|bloqueado|bloqueada|fallecido|fallecida|difunto|difunta|muerto|muerta
|nicht anrufen|nicht kontaktieren|kein anruf|keine anrufe|nicht telefonieren|anruf verboten
|anrufsperre|telefonsperre|werbesperre|sperre|gesperrt|sperrvermerk|robinsonliste|robinson-liste
|auf robinsonliste|auf der robinsonliste|in der robinsonliste|widerspruch|widersprochen|abgelehnt
|keine einwilligung|ohne einwilligung|einwilligung widerrufen|widerrufen|abgemeldet|ausgetragen
|nicht erlaubt|verboten|verstorben|gestorben|tot
|ne pas appeler|ne plus appeler|ne pas contacter|ne plus contacter|ne pas téléphoner|pas d'appel
|pas d'appels|sur bloctel|inscrit bloctel|inscrite bloctel|inscrit sur bloctel|inscrit à bloctel
|inscrite sur bloctel|liste rouge bloctel|liste robinson|désinscrit|désinscrite|désabonné|désabonnée
|refus|refuse|refusé|refusée|opposition|opposé|opposée|sans consentement|pas de consentement
|consentement retiré|non autorisé|bloqué|bloquée|décédé|décédée|mort|morte
""")

# Under "Do not call" these words may mean yes or no. Examples are "never" and a cross in the box.
# "In" and "signed off" may be about a register or about the campaign's own list.
EITHER_WAY = phrases("""
never|not|no thanks|✗|✘|❌|in|out|byth|ddim|nunca|nie|niemals|jamais
|angemeldet|abgemeldet|ausgetragen
""")

# These words mean that the person may be called. EITHER_WAY has exceptions.
MAY_CALL = phrases("""
ok|okay|o.k.|safe to call|contact ok|opted in to calls|hasn't opted out|ok to call|okay to call
|ok to phone|ok to contact|ok to ring|can call|can be called
|can phone|can contact|may call|may be called|may phone|may contact|callable|contactable|do call
|call|call ok|phone ok|please call|allow|allowed|permitted|permission|permission given|granted
|consent|consented|consents|consent given|gave consent|given consent|has consent|with consent
|consent obtained|consent granted|explicit consent|has given consent|agreed|agrees|agree|accepted
|accepts|opt in|optin|opted in|opted-in|in|subscribed|subscribe|resubscribed|not opted out
|not unsubscribed|never opted out|happy to be called|happy to call|not deceased|alive|living
|not suppressed|not blocked|not excluded|not dead|has not opted out|no objection|no restriction
|no restrictions|unrestricted|not barred|not do not call|unblocked
|iawn|iawn i ffonio|iawn i alw|gellir ffonio|gellir galw|cydsynio|wedi cydsynio|caniatâd
|caniatâd wedi'i roi|gyda chaniatâd|wedi optio i mewn|optio i mewn|caniateir|yn fyw
|dim gwrthwynebiad
|vale|de acuerdo|se puede llamar|puede llamarse|se le puede llamar|llamar|consiente|consentido
|con consentimiento|consentimiento|autoriza|autorizado|autorizada|acepta|aceptado|permitido|vivo
|viva
|suscrito|suscrita|no excluido|no bloqueado|sin objeción
|in ordnung|darf angerufen werden|anruf erlaubt|anrufen|anrufbar|erlaubt|einwilligung
|einwilligung erteilt|mit einwilligung|eingewilligt|zugestimmt|zustimmung|genehmigt|einverstanden
|angemeldet|lebt|lebend|nicht gesperrt|nicht verstorben|kein widerspruch|keine sperre|frei
|freigegeben
|d'accord|accord|peut être appelé|peut être appelée|appel autorisé|appeler|autorisé|autorisée
|joignable
|consentement|consentement donné|avec consentement|a consenti|consent à|accepte|accepté|abonné
|abonnée
|inscrit à la liste d'appel|vivant|vivante|non bloqué|pas d'opposition|aucune opposition
""")

# These words mean that the number is on a register.
LISTED = phrases("""
listed|registered|is registered|is listed|on list|on the list|on register|on the register|match
|matched|matches|match found|hit|hit found|found|record found|positive|flagged|flag|screened out
|fail|failed|fails
|ar y rhestr|cofrestredig|wedi cofrestru|cyfatebiad
|inscrito|inscrita|en la lista|en lista|registrado|registrada|coincide|coincidencia|encontrado
|gelistet|eingetragen|registriert|auf der liste|auf liste|treffer|gefunden
|inscrit|inscrite|sur la liste|sur liste|enregistré|enregistrée|correspondance|trouvé
""")

# These words mean that the number is not on a register.
NOT_LISTED = phrases("""
not listed|unlisted|not registered|unregistered|nonregistered|non registered|not on list
|not on the list|not on register|not on the register|not in list|not in register|no match|nomatch
|no matches|no match found|no matches found|no record|no records|no record found|no entry|no result
|no results|absent|unmatched|not matched|non match|nonmatch|no hit|no hits|clean|cleaned|clear
|cleared
|screened clear|screened ok|screened clean|negative|not flagged|unflagged|pass|passed|passes|safe
|not on telephone preference service|not on the telephone preference service|not tps|non tps
|no tps|not on tps|not on the tps|not tps registered|tps clear|tps cleared|tps clean
|tps ok|tps no|tps checked ok|tps screened ok|not registered with tps|tps not registered|tps free
|not ctps|non ctps|not on ctps|not on the ctps|ctps clear|ctps clean|ctps ok|not tps/ctps
|not on tps/ctps|not on tps or ctps|no dnc|not dnc|no opt out|no optout|not on dnc|not on dnc list
|not on the dnc list
|not on do not call list|not on the do not call list|dnc clear|dnc clean
|not on bloctel|not on robinson list
|ddim ar y rhestr|ddim ar y TPS|ddim ar TPS|heb gofrestru|heb ei gofrestru|heb ei restru|clir|glân
|dim cyfatebiad
|no consta|no figura|no está inscrito|no está inscrita|no inscrito|no inscrita|no registrado
|no registrada|no listado|no está|no está en la lista
|no en la lista|sin coincidencia|sin coincidencias|no coincide|limpio|limpia|libre|negativo
|no está en lista robinson|no en lista robinson|no está en la lista robinson
|nicht gelistet|nicht eingetragen|nicht registriert|nicht auf der liste|nicht auf liste|kein treffer
|keine treffer|kein eintrag|nicht auf robinsonliste|nicht auf der robinsonliste
|nicht in der robinsonliste|negativ|sauber|unbedenklich
|non inscrit|non inscrite|pas inscrit|pas inscrite|pas sur la liste|non listé|non listée
|non enregistré|aucune correspondance|pas de correspondance|pas sur bloctel|non bloctel|hors bloctel
|non inscrit bloctel|non inscrit sur bloctel|non inscrit à bloctel|négatif|propre
""")

# These words mean that the number does not work, or is another person's.
BAD_NUMBER = phrases("""
bad|bad number|wrong|wrong number|invalid|invalid number|not valid|disconnected|disconnect|dead
|dead line|dead number|dead tone|not in service|out of service|not working|does not work|nonworking
|unobtainable|number unobtainable|ceased|broken|inactive|unreachable|undeliverable|incorrect|fax
|not their number|not theirs|number changed|changed number
|anghywir|rhif anghywir|annilys|ddim yn gweithio|wedi'i ddatgysylltu
|malo|mal|erróneo|errónea|equivocado|número equivocado|número erróneo|incorrecto|inválido|no válido
|no funciona|no existe|fuera de servicio|desconectado
|ungültig|falsche nummer|nummer falsch|nicht vergeben|kein anschluss
|kein anschluss unter dieser nummer
|abgemeldet|nicht erreichbar|außer betrieb|defekt|funktioniert nicht
|mauvais|mauvais numéro|faux numéro|erroné|invalide|non valide|hors service|non attribué
|numéro non attribué|ne fonctionne pas|ne répond plus|incorrecte|coupé
""")

# These words mean that the number works.
GOOD_NUMBER = phrases("""
good|good number|valid|working|works|active|live|ok|okay|fine|in service|reachable|verified|correct
|connected|right number|not bad|not disconnected|not wrong|not invalid
|da|dilys|cywir|yn gweithio
|bien|bueno|válido|funciona|correcto|activo|verificado
|gut|gültig|richtig|aktiv|funktioniert|erreichbar|in betrieb
|bon|valide|fonctionne|correct|actif|vérifié|en service
""")
