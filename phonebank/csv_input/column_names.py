"""Names of columns in campaigns' databases, in English, Welsh, Spanish, German and French.

Names are compared in the form that `plain_name` returns, so "Pref Phone " and "pref_phone" count as
the same name. For each target (what a column contains, such as "phone"), the names are listed from
the surest to the least sure. Some targets may belong to only one column. If several columns have
names of such a target, the column with the surest name gets the target.

Sources: exports and import guides of VoteBuilder/VAN, NationBuilder, Action Network and Spoke, and
electoral registers that the software of Xpress and Idox has exported.
"""

import re
import unicodedata

from phonebank.csv_input.cells import words

NAMES: dict[str, str] = {
    "first_name": (
        "firstname forename forenames electorforename electorforenames givenname givennames"
        " givenname1 christianname first given fname first1 preferredname knownas nickname"
        " enwcyntaf enwaucyntaf primernombre nombre vorname vornamen prenom prenoms"
    ),
    "last_name": (
        "lastname surname electorsurname familyname last family lname secondname"
        " cyfenw apellidos apellido primerapellido nachname familienname nomdefamille nom"
    ),
    "full_name": (
        "fullname contactname electorname displayname votername legalname name"
        " enwllawn enw nombrecompleto nombreyapellidos vollername nomcomplet nometprenom"
    ),
    "phone": (
        "preferredphone prefphone bestphone primaryphone phone phonenumber phoneno phone1"
        " telephone telephonenumber telephoneno tel telno contactnumber contactno contactphone"
        " phonenumbers phones number"
        " ffon rhifffon rhifyffon telefono numerodetelefono telefon telefonnummer"
        " rufnummer numerodetelephone numtel"
    ),
    "mobile": (
        "mobile mobilenumber mobilephone mobilephonenumber mobileno mob cell cellphone cellnumber"
        " cellphonenumber can2phone wireless smsnumber mobtel"
        " ffonsymudol symudol rhifsymudol movil telefonomovil celular telefonocelular"
        " handy handynummer mobil mobilnummer mobiltelefon"
        " portable telephoneportable mobiletelephone telephonemobile gsm"
    ),
    "landline": (
        "landline homephone homephonenumber homephoneno hometel hometelephone phonehome"
        " landlinephone landlinenumber dayphone eveningphone"
        " ffongartref telefonofijo fijo festnetz festnetznummer"
        " telefonprivat fixe telephonefixe telephonedomicile"
    ),
    "work_phone": (
        "workphone workphonenumber worktel worktelephone businessphone officephone"
        " ffongwaith telefonodeltrabajo telefonotrabajo telefongeschaftlich diensttelefon"
        " telephoneprofessionnel telephonetravail"
    ),
    "external_id": (
        "externalid voterfilevanid vanid nationbuilderid electorid urn uniqueid memberid"
        " membershipnumber personid contactid uuid dwid voteruniqueid"
        " membershipid membershipno membernumber memberno memberref supporterid supporternumber"
        " voterid voternumber electornumber electorno rollnumber constituentid recordid crmid"
        " customernumber referencenumber idnumber"
        " mitgliedsnummer mitgliednummer mitgliedsnr mitgliedsid numerodadherent numeroadherent"
        " numerodemembre numerodesocio numerosocio numsocio rhifaelod rhifaelodaeth"
        " id"
    ),
    "postcode": (
        "postcode postalcode zip zipcode zip5 vzip5 primaryzip addresszip primaryaddresszip"
        " propertypostcode registeredpostcode homepostcode can2zip mzip5 mailingzip"
        " codpost codigopostal cp plz postleitzahl codepostal"
    ),
    "do_not_call": (
        "donotcall dnc federaldonotcall donotcontact donotphone nocall nocalls nophone"
        " tps ctps tpsregistered optout optedout unsubscribed"
        " peidiwchaffonio dimgalwadau nollamar listarobinson nichtanrufen robinsonliste"
        " nepasappeler bloctel deceased isdeceased verstorben fallecido decede"
    ),
    "consent": (
        "consent consenttocall consenttophone phoneconsent telephoneconsent callconsent consented"
        " maywecall maywecallyou canwecall canwecallyou oktocall okaytocall phoneoptin calloptin"
        " caniatad caniatadiffonio consentimiento podemosllamar podemosllamarle einwilligung"
        " anruferlaubt durfenwiranrufen consentement pouvonsnousvousappeler"
    ),
    "bad_number": "badnumber wrongnumber invalidnumber badphone ismobilebad isphonebad",
    "language": (
        "preferredlanguage languagepreference languagepreferred preflanguage preflang"
        " contactlanguage language spokenlanguage languagespoken mainlanguage primarylanguage"
        " firstlanguage nativelanguage homelanguage languagecode lang"
        " iaith dewisiaith iaithddewisol idioma idiomapreferido sprache bevorzugtesprache"
        " korrespondenzsprache muttersprache langue languepreferee langueparlee"
    ),
    "time_zone": "timezone tz cylchfaamser zonahoraria zeitzone fuseauhoraire",
    "email": (
        "email emailaddress emailaddress1 email1 mail"
        " ebost cyfeiriadebost correo correoelectronico emailadresse courriel adresseemail"
    ),
    "address": (
        "address streetaddress fulladdress addressline propertyaddress registeredaddress vaddress"
        " addressaddress primaryaddress can2useraddress street"
        " cyfeiriad direccion domicilio adresse anschrift strasse rue"
    ),
    "town": (
        "town city posttown vcity addresscity primarycity can2usercity towncity village"
        " tref dinas ciudad localidad poblacion ort stadt wohnort ville commune"
    ),
    "tags": (
        "tags taglist tagnames contacttags supportertags tag labels"
        " tagiau etiquetas schlagworte schlagworter stichworte etiquettes motscles"
    ),
}

# Names that often mean something else. The page asks an organiser to check such a column.
WEAK = frozenset(
    {
        "number",
        "id",
        "first",
        "last",
        "family",
        "given",
        "nom",
        "nombre",
        "mail",
        "tag",
        "labels",
        "stichworte",
        "motscles",
        "cp",
        "street",
        "optout",
        "optedout",
        "unsubscribed",
        "consent",
        "consented",
        "caniatad",
        "consentimiento",
        "einwilligung",
        "consentement",
    }
)

# A column with one of these names has the full name, unless another column has the first or last
# name.
NAME_ALONE = frozenset({"nombre", "nom"})

# If a longer name has one of these words, the number is another person's or not worth calling.
WORDS_FOR_OTHERS = words(
    "fax bad invalid wrong old former previous"
    " emergency kin carer caregiver parent parents guardian mother father mum mom dad"
    " son daughter child children brother sister sibling neighbour neighbor friend"
    " spouse spouses husband wife partner partners"
    " assistant assistants secretary secretaries manager managers supervisor employer"
    " pa ea boss colleague flatmate housemate roommate girlfriend boyfriend aunt uncle"
    " grandmother grandfather grandparent nan landlady recruiter recruited referred captain"
    " canvasser fundraiser coordinator"
    " company companies organisation organization firm branch branches headquarters hq"
    " reception switchboard agency agent landlord school doctor gp solicitor lawyer referrer"
    " emergencia emergencias conyuge esposo esposa marido pareja madre padre tutor tutora"
    " hijo hija hermano hermana vecino vecina asistente secretaria secretario jefe jefa"
    " empresa compania sucursal centralita"
    " notfall ehepartner ehefrau ehemann gatte gattin lebenspartner mutter vater eltern"
    " sohn tochter nachbar nachbarin assistent assistentin assistenz sekretar sekretarin"
    " sekretariat vorgesetzter arbeitgeber firma unternehmen filiale zweigstelle zentrale"
    " urgence conjoint conjointe epoux epouse mari mere pere fils fille frere soeur voisin"
    " voisine assistante secretaire secretariat societe entreprise agence succursale"
    " employeur"
    " argyfwng priod gwr gwraig mam tad rhiant gofalwr cymydog cynorthwyydd ysgrifennydd"
    " cwmni cangen cyflogwr"
)

# A longer name may end with a name of these targets ("Voter's mobile number"). A name of the
# NUMBERED targets may have a number after it ("Phone 2").
WITHIN_A_LONGER_NAME = frozenset(
    {"first_name", "last_name", "phone", "mobile", "landline", "work_phone", "email", "postcode"}
)
NUMBERED = frozenset({"phone", "mobile", "landline", "work_phone", "address", "tags"})


# Words in the name of a "number does not work" column, for each kind of number.
_KINDS_OF_PHONE: dict[str, frozenset[str]] = {
    "mobile": words("mobile cell cellphone mob symudol movil celular handy mobil portable"),
    "landline": words("landline home fixed gartref fijo festnetz fixe domicile"),
    "work_phone": words("work office business gwaith trabajo dienst bureau travail"),
}

# Phrases that a longer name may contain, written as `phrase_of` returns them.
_NO_CALLS = (
    "do not call|do not phone|do not contact|do not ring|do not telephone|donotcall|donotcontact"
    "|dnc"
    "|dont call|dont phone|dont contact|no calls|no phone|no contact|tps|ctps|never call"
    "|not to call"
    "|no desea llamadas|no quiere llamadas|ddim eisiau galwadau|kein anruf|anruf unerwunscht"
    "|anrufe unerwunscht|nicht angerufen werden|ne souhaite pas etre appele|ne veut pas etre appele"
    "|refus dappel|appel refuse|appels refuses|object to calls|objects to calls|objected to calls"
    "|objects to phone|never phone|never ring|never contact|uncallable"
    "|call opt out|calls opt out|opt out|opted out|optout|unsubscribed|unsubscribe|call suppression"
    "|suppressed|deceased|is dead|has died|died|deceased flag"
    "|peidiwch a ffonio|peidiwch a galw|dim galwadau|wedi marw|ymadawedig|wedi optio allan"
    "|no llamar|no contactar|lista robinson|robinson|fallecido|fallecida|difunto|baja"
    "|nicht anrufen|nicht kontaktieren|keine anrufe|anrufsperre|robinsonliste|sperrvermerk|gesperrt"
    "|verstorben|widerspruch|werbesperre|telefonsperre"
    "|ne pas appeler|ne plus appeler|ne pas contacter|bloctel|decede|decedee|opposition|desinscrit"
)
_CONSENT = (
    "may we call|may we phone|may we ring|may we telephone|may we contact|may we ring you"
    "|may be called"
    "|can we call|can we phone|can we ring|can we contact|can be called|may call|can call|may phone"
    "|can phone|ok to call|okay to call|ok to phone|okay to phone|ok to contact|okay to contact"
    "|ok to ring"
    "|contact by phone|contact me by phone|by phone|happy to be called"
    "|happy for us to call|happy to receive calls|willing to be called|agree to be called"
    "|agrees to be called|agree to calls|permission to call|permission to phone|phone permission"
    "|call permission|allow calls|calls allowed|accept calls|accepts calls|wants calls|callable"
    "|contactable|phone opt in|call opt in|calls opt in|telephone opt in|opt in phone|opt in calls"
    "|opted in to calls|opted in calls|phone ok|call ok|phone allowed|consent|consents|consented"
    "|consent given"
    "|gawn ni ffonio|gawn ni alw|caniatad|cydsyniad|iawn i ffonio"
    "|podemos llamar|podemos llamarle|podemos llamarte|se puede llamar|acepta llamadas"
    "|consentimiento|autoriza llamadas|permiso para llamar"
    "|durfen wir anrufen|durfen wir sie anrufen|darf angerufen werden|anruf erlaubt|anrufe erlaubt"
    "|einwilligung|anruferlaubnis|zustimmung|telefonische einwilligung"
    "|anruf erwunscht|anrufe erwunscht|cleared to call|accepte detre appele|acepta ser llamado"
    "|acepta ser llamada|pouvons nous appeler|pouvons nous vous appeler|peut on appeler"
    "|peut on vous appeler"
    "|accepte les appels|appel autorise|appels autorises|consentement|accord pour appel"
)
_BAD = (
    "bad|wrong|invalid|disconnected|not working|does not work|doesnt work|out of service"
    "|not in service|dead line"
    "|anghywir|annilys|equivocado|erroneo|incorrecto|invalido|falsch|ungultig|faux|mauvais|errone"
    "|invalide|hors service"
)
_PHONE_WORDS = words(
    "phone phones telephone tel mobile cell cellphone landline number numbers call calls"
    " called calling ring ffon ffonio rhif galw galwadau telefono movil numero llamar llamadas"
    " telefon telefonisch telefonische handy nummer rufnummer anruf anrufe anrufen portable"
    " appel appels appeler fixe"
)
_TELEPHONES = _PHONE_WORDS - words(
    "number numbers call calls called calling ring rhif galw galwadau numero llamar llamadas nummer"
    " anruf anrufe anrufen appel appels appeler"
)
# Consent to one of these is not consent to calls.
_OTHER_WAYS = words(
    "email mail sms text texts texting post postal letter whatsapp newsletter newsletters"
    " mailing mailings data photo cookies marketing mobile ebost neges correo mensaje post"
    " brief courriel courrier"
)
# With one of these words, a name means the opposite: "Consent withdrawn".
_TURNED_ROUND = words(
    "no not non withdrawn refused declined denied revoked without missing dim heb ddim sin"
    " rechazado kein keine nicht widerrufen verweigert sans pas refuse retire"
)

# With one of these words, a register's name means the opposite: "Not on the TPS", "TPS clear".
_CLEARED = words("not non nicht pas hors ddim clear cleared clean free sauber frei libre limpio")

# In such phrases, "work" is not a kind of number: "Number does not work", "Does the number work?"
_WORK_AS_VERB = re.compile(
    r"\b(?:not|cannot|doesnt|dont|didnt|wont|cant|does) work\b|^(does\b.*) work$"
)


def kinds_of_phone_in(header: str) -> list[str]:
    """Return the targets of the kinds of number that a column's name mentions: "is_mobile_bad"
    mentions mobile phones."""
    named = words(_WORK_AS_VERB.sub(r"\1", phrase_of(header)))
    return [target for target, names in _KINDS_OF_PHONE.items() if names & named]


def phrase_of(header: str) -> str:
    """Return the plain words of a column's name: "Don't call?" gives "dont call"."""
    return " ".join(words_of(re.sub("['’`]", "", header)))


def mark_target_of(header: str) -> tuple[str, bool] | None:
    """Find out from a column's name whether the column is a yes-or-no column. Such a column says
    whether a person or a number may be called. Examples of names are "Do not call" and "Wrong
    number". Return the column's target, and whether the name makes this target clear.

    Return None if the name shows that the column is of another kind, or if the name shows nothing.
    A "no" in a column with the target "consent" means that the person must not be called. In
    columns with the other targets, a "yes" means that the person or the number must not be called.
    """
    phrase = phrase_of(header)
    named = words(phrase)
    of_calls = bool(named & _PHONE_WORDS - _OTHER_WAYS)
    if named & _OTHER_WAYS and not of_calls:
        return (
            ("bad_number", True)
            if _contains_phrase(_BAD, phrase) and named & _PHONE_WORDS
            else None
        )
    if (
        _contains_phrase(_BAD, phrase)
        and named & _PHONE_WORDS
        and not _contains_phrase(_CONSENT, phrase)
    ):
        return "bad_number", True
    if _contains_phrase(_CONSENT, phrase):
        turned = bool(named & _TURNED_ROUND)
        return ("do_not_call", False) if turned else ("consent", of_calls)
    if _contains_phrase(_NO_CALLS, phrase):
        beside = words(_strip_phrases(_NO_CALLS, phrase))
        return ("consent", False) if beside & _CLEARED else ("do_not_call", of_calls)
    return None


def is_named_as_phone(header: str) -> bool:
    """Whether a column's name is a known name for telephone numbers, or has a word such as "phone"
    or "mobile"."""
    target, _ = TARGET_OF.get(plain_name(header), ("", 0))
    return target in NUMBERED - {"address", "tags"} or bool(_TELEPHONES & set(words_of(header)))


def _contains_phrase(phrases: str, phrase: str) -> bool:
    return any(f" {said} " in f" {phrase} " for said in phrases.split("|"))


def _strip_phrases(phrases: str, phrase: str) -> str:
    for said in phrases.split("|"):
        phrase = f" {phrase} ".replace(f" {said} ", "  ").strip()
    return phrase


def is_about_someone_else(header: str) -> bool:
    """Whether a column's name says that the column is about other people or companies, or has
    numbers that are not worth calling, such as old numbers or fax numbers.

    A word in WORDS_FOR_OTHERS says this. If the word has more than five letters, it also counts if
    it is only the beginning of the name's first word ("Notfalltelefon", "SPOUSEPHONE").
    """
    if WORDS_FOR_OTHERS.intersection(words_of(header)):
        return True
    return plain_name(header).startswith(_BEGINNINGS_NOT_THEIRS)


_BEGINNINGS_NOT_THEIRS = tuple(sorted(word for word in WORDS_FOR_OTHERS if len(word) > 5))


def plain_name(header: str) -> str:
    """Return a column's name for comparisons: lower case, no accents, letters and digits only."""
    folded = unicodedata.normalize("NFKD", header.casefold())
    return "".join(c for c in folded if c.isalnum())


def words_of(header: str) -> list[str]:
    """Return the plain words of a column's name, without "'s". The name is split where a capital
    follows a small letter, and at all characters other than letters and digits."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header.replace("'s", "").replace("’s", ""))
    return [word for part in re.split(r"[\W_]+", spaced) if (word := plain_name(part))]


# Each plain name, with its target and its place in that target's list.
TARGET_OF: dict[str, tuple[str, int]] = {
    plain_name(name): (target, rank)
    for target, names in NAMES.items()
    for rank, name in enumerate(names.split())
}
