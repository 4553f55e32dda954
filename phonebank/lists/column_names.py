"""What campaigns' databases call their columns, in English, Welsh, Spanish, German and French.

Names are compared by `plain`: "Pref Phone " and "pref_phone" are one. For each target the surest
name comes first: where two columns would be one target, the earlier name has it.

Sources: exports and import guides of VoteBuilder/VAN, NationBuilder, Action Network, Spoke, and the
electoral register as Xpress and Idox deliver it.
"""

import re
import unicodedata

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
        " membershipnumber personid contactid uuid dwid voteruniqueid id"
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
        " nepasappeler bloctel"
    ),
    "language": "language preferredlanguage spokenlanguage lang iaith idioma sprache langue",
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
}

# Names that mean their target less often than not: a column so called is shown to be confirmed.
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
        "cp",
        "street",
        "optout",
        "optedout",
        "unsubscribed",
    }
)

# Names that hold the full name where no column for the other half stands beside them.
NAME_ALONE = frozenset({"nombre", "nom"})

# A longer name with one of these words is of somebody else's number, or of none worth ringing.
NOT_THEIRS = frozenset(
    {"emergency", "kin", "carer", "parent", "guardian", "fax", "bad", "invalid", "wrong", "old"}
)

# Targets whose names may be part of a longer one ("Voter's mobile number") or be numbered.
WITHIN_A_LONGER_NAME = frozenset(
    {"first_name", "last_name", "phone", "mobile", "landline", "work_phone", "email", "postcode"}
)
NUMBERED = frozenset({"phone", "mobile", "landline", "work_phone", "address"})


def plain(header: str) -> str:
    """A column's name as compared: lower case, no accents, letters and digits only."""
    folded = unicodedata.normalize("NFKD", header.casefold())
    return "".join(c for c in folded if c.isalnum())


def words_of(header: str) -> list[str]:
    """The words of a column's name, cut at what is no letter and before capitals, each plain."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header.replace("'s", "").replace("’s", ""))
    return [word for part in re.split(r"[\W_]+", spaced) if (word := plain(part))]


# Each plain name → its target and how far down that target's list it stands.
TARGET_OF: dict[str, tuple[str, int]] = {
    plain(name): (target, rank)
    for target, names in NAMES.items()
    for rank, name in enumerate(names.split())
}
