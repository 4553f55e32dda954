"""Guesses about columns, by the names in campaigns' databases and by their cells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonebank.csv_input.column_guesses import guess_columns
from phonebank.csv_input.column_mapping import (
    FIELDS,
    IGNORE,
    PHONE_TARGETS,
    Mapping,
    faults_of,
)
from phonebank.csv_input.column_names import NAMES, TARGET_OF, plain_name, words_of


def columns(names: str) -> list[str]:
    return names.split(",")


def guessed(*headers: str, rows: list[list[str]] | None = None) -> dict[str, str]:
    """The target of each header that is not left out."""
    guesses = guess_columns(headers, rows or [])
    assert [(g.index, g.header) for g in guesses] == list(enumerate(headers))
    return {g.header: g.target for g in guesses if g.target != IGNORE}


def test_votebuilder() -> None:
    headers = columns(
        "Voter File VANID,FirstName,MiddleName,LastName,Suffix,Sex,Age,DOB,Party,Pref Phone ,"
        "Home Phone,Cell Phone,vAddress,vCity,vState,vZip5,mAddress,mCity,mState,mZip5,"
        "PrecinctName,DateReg,RegistrationStatusName,Latitude,Longitude"
    )
    assert guessed(*headers) == {
        "Voter File VANID": "external_id",
        "FirstName": "first_name",
        "LastName": "last_name",
        "Pref Phone ": "phone",
        "Home Phone": "landline",
        "Cell Phone": "mobile",
        "vAddress": "address",
        "vCity": "town",
        "vZip5": "postcode",
    }


def test_nationbuilder() -> None:
    headers = columns(
        "nationbuilder_id,external_id,prefix,first_name,middle_name,last_name,suffix,name,"
        "legal_name,email,phone_number,work_phone_number,mobile_number,mobile_opt_in,"
        "is_mobile_bad,federal_donotcall,do_not_call,language,support_level,party,sex,born_at,"
        "tag_list,note,is_deceased,address_address1,address_city,address_state,address_zip"
    )
    assert guessed(*headers) == {
        "external_id": "external_id",
        "first_name": "first_name",
        "last_name": "last_name",
        "email": "email",
        "phone_number": "phone",
        "work_phone_number": "work_phone",
        "mobile_number": "mobile",
        "is_mobile_bad": "bad_number",
        "federal_donotcall": "do_not_call",
        "do_not_call": "do_not_call",
        "language": "language",
        "tag_list": "tags",
        "is_deceased": "do_not_call",
        "address_address1": "address",
        "address_city": "town",
        "address_zip": "postcode",
    }


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("Is Deceased", "do_not_call"),
        ("Wedi marw", "do_not_call"),
        ("Opted out of calls", "do_not_call"),
        ("Do Not Call Flag", "do_not_call"),
        ("TPS status", "do_not_call"),
        ("Don’t call", "do_not_call"),
        ("Consent withdrawn", "do_not_call"),
        ("No consent to call", "do_not_call"),
        ("May we call you?", "consent"),
        ("Consent to phone", "consent"),
        ("OK to call", "consent"),
        ("Telephone opt-in", "consent"),
        ("Gawn ni ffonio?", "consent"),
        ("¿Podemos llamarle?", "consent"),
        ("Dürfen wir anrufen?", "consent"),
        ("Pouvons-nous vous appeler ?", "consent"),
        ("Bad phone", "bad_number"),
        ("Mobile disconnected", "bad_number"),
        ("Telefon ungültig", "bad_number"),
        ("Number does not work", "bad_number"),
        ("Phone doesn't work", "bad_number"),
        ("Not on TPS", "consent"),
        ("TPS clear", "consent"),
        ("Hors Bloctel", "consent"),
        ("Objects to calls", "do_not_call"),
        ("Darf nicht angerufen werden", "do_not_call"),
        ("Ne souhaite pas être appelé", "do_not_call"),
        ("Refus d’appel", "do_not_call"),
        ("No desea llamadas", "do_not_call"),
        ("Ddim eisiau galwadau", "do_not_call"),
        ("Anrufe erwünscht", "consent"),
        ("Accepte d'être appelé", "consent"),
        ("Mailing opt-out", None),
        ("Email consent", None),
        ("SMS opt out", None),
    ],
)
def test_what_a_column_of_yes_and_no_asks(header: str, target: str | None) -> None:
    found = guess_columns([header, "Phone"], [["yes", "020 7946 0001"]] * 3)
    assert found[0].target == (target or "ignore")


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("Preferred language", "language"),
        ("Language (preferred)", "language"),
        ("Language spoken", "language"),
        ("Dewis iaith", "language"),
        ("Bevorzugte Sprache", "language"),
        ("Langue préférée", "language"),
        ("Member number", "external_id"),
        ("Member no.", "external_id"),
        ("Membership ID", "external_id"),
        ("Voter ID", "external_id"),
        ("Mitglieds-Nr.", "external_id"),
        ("Numéro d’adhérent", "external_id"),
        ("Rhif aelod", "external_id"),
        ("Member since", None),
        ("Membership status", None),
        ("House number", None),
    ],
)
def test_preferred_languages_and_member_numbers(header: str, target: str | None) -> None:
    found = guess_columns([header, "Phone"], [["07700 900", "020 7946 0001"]] * 3)
    assert (found[0].target, found[0].sure) == (target or IGNORE, target is not None)


def test_the_language_that_a_person_prefers_counts_before_others() -> None:
    assert guessed("Language", "Preferred language", "Number", "Member number") == {
        "Preferred language": "language",
        "Number": "phone",
        "Member number": "external_id",
    }


def test_a_column_of_numbers_is_no_consent_whatever_its_name() -> None:
    found = guess_columns(["Mobile phone (consented)"], [["07700 900123"]] * 3)
    assert found[0].target != "consent"


def test_action_network_and_spoke() -> None:
    headers = columns(
        "\ufeffemail,first_name,last_name,can2_phone,can2_user_address,can2_user_city,"
        "can2_state_abbreviated,can2_county,zip_code,uuid,can2_subscription_status"
    )
    assert guessed(*headers) == {
        "\ufeffemail": "email",
        "first_name": "first_name",
        "last_name": "last_name",
        "can2_phone": "mobile",
        "can2_user_address": "address",
        "can2_user_city": "town",
        "zip_code": "postcode",
        "uuid": "external_id",
    }
    assert guessed("firstName", "lastName", "cell", "zip", "external_id", "favouriteColour") == {
        "firstName": "first_name",
        "lastName": "last_name",
        "cell": "mobile",
        "zip": "postcode",
        "external_id": "external_id",
    }


def test_electoral_register_with_phones_joined_on() -> None:
    headers = columns(
        "Elector Number Prefix,Elector Number,Elector Number Suffix,Elector Markers,Elector DOB,"
        "Elector Surname,Elector Forename,PostCode,Address1,Address2,Address3,Elector ID,"
        "Landline,Mobile,TPS"
    )
    assert guessed(*headers) == {
        "Elector Surname": "last_name",
        "Elector Forename": "first_name",
        "PostCode": "postcode",
        "Address1": "address",
        "Address2": "address",
        "Address3": "address",
        "Elector ID": "external_id",
        "Landline": "landline",
        "Mobile": "mobile",
        "TPS": "do_not_call",
    }
    assert guessed("Elector Name", "PropertyPostCode", "Telephone No.") == {
        "Elector Name": "full_name",
        "PropertyPostCode": "postcode",
        "Telephone No.": "phone",
    }


@pytest.mark.parametrize(
    "headers",
    [
        "Enw cyntaf|Cyfenw|Ffôn|Ffôn symudol|Cod post|E-bost|Iaith|Tref",
        "Nombre|Apellidos|Teléfono|Móvil|Código postal|Correo electrónico|Idioma|Ciudad",
        "Vorname|Nachname|Telefon|Handy|PLZ|E-Mail|Sprache|Ort",
        "Prénom|Nom|Téléphone|Portable|Code postal|Courriel|Langue|Ville",
    ],
)
def test_other_languages(headers: str) -> None:
    assert list(guessed(*headers.split("|")).values()) == [
        "first_name",
        "last_name",
        "phone",
        "mobile",
        "postcode",
        "email",
        "language",
        "town",
    ]


def test_names_that_stand_alone_are_full_names() -> None:
    assert guessed("Nombre", "Teléfono")["Nombre"] == "full_name"
    assert guessed("Nom", "Téléphone")["Nom"] == "full_name"
    assert guessed("Name", "Phone")["Name"] == "full_name"
    assert guessed("First name", "Phone")["First name"] == "first_name"
    assert guessed("Vorname", "Name", "Telefon")["Name"] == "last_name"
    assert guessed("Name", "Surname", "Phone")["Name"] == "first_name"


def test_several_phone_columns_are_all_kept() -> None:
    assert guessed("Name", "Phone 1", "Phone 2", "Mobile", "Mobile", "Work tel") == {
        "Name": "full_name",
        "Phone 1": "phone",
        "Phone 2": "phone",
        "Mobile": "mobile",
        "Work tel": "work_phone",
    }
    assert [g.target for g in guess_columns(["Mobile", "Mobile"], [])] == ["mobile", "mobile"]


def test_a_known_name_within_a_longer_one_is_asked_about() -> None:
    by_header = {
        g.header: g for g in guess_columns(["Voter's mobile number", "Elector e-mail", "Tel"], [])
    }
    assert by_header["Voter's mobile number"].target == "mobile"
    assert not by_header["Voter's mobile number"].sure
    assert by_header["Tel"].sure


@pytest.mark.parametrize(
    "header",
    [
        "Emergency contact number",
        "Fax number",
        "Ward name",
        "Party ID",
        "Mobile opt in",
        "Phone type",
        "Date of birth",
        "House number",
        "Zip4",
        "",
        "  ",
        "?",
    ],
)
def test_what_nobody_needs_is_left_out(header: str) -> None:
    assert guessed(header) == {}


def test_a_house_number_is_no_phone() -> None:
    rows = [["12", "020 7946 0123"], ["14a", "020 7946 0124"], ["16", ""]]
    assert guessed("Number", "Tel", rows=rows) == {"Tel": "phone"}
    guesses = guess_columns(["Number"], [["020 7946 0123"], ["020 7946 0124"]])
    assert (guesses[0].target, guesses[0].sure) == ("phone", False)
    assert not guess_columns(["Phone"], [["yes"], ["no"]])[0].sure


def test_contents_tell_where_names_do_not() -> None:
    rows = [
        ["Ann", "020 7946 0123", "ann@example.org", "LS1 1AA", "2024-11-05"],
        ["Bo", "(020) 7946-0124", "bo@example.org", "w1a1aa", "2024-11-05"],
        ["Cy", "", "", "", ""],
    ]
    guesses = guess_columns(["A", "B", "C", "D", "E"], rows)
    assert [g.target for g in guesses] == [IGNORE, "phone", "email", "postcode", IGNORE]
    assert not any(g.sure for g in guesses)
    named = guess_columns(["A", "B", "C", "D", "Mobile"], rows)
    assert named[1].target == IGNORE  # a column is called a phone already


def test_samples_are_three_different_values_cut_short() -> None:
    rows = [["a"], [" a "], [""], ["b" * 100], ["c"], ["d"]]
    assert guess_columns(["X"], rows)[0].samples == ("a", "b" * 60, "c")
    assert guess_columns(["X", "Y"], [["a"]])[1].samples == ()


def test_every_name_leads_to_one_target() -> None:
    assert set(NAMES) <= set(FIELDS)
    assert set(PHONE_TARGETS) <= set(NAMES)
    written = [name for names in NAMES.values() for name in names.split()]
    assert len(written) == len(set(written)) == len(TARGET_OF)
    assert all(name == plain_name(name) for name in written)


def test_names_are_compared_plainly() -> None:
    assert plain_name(" \ufeffPref_Phone ") == "prefphone"
    assert plain_name("Téléphone (privé)") == "telephoneprive"
    assert plain_name("Straße") == "strasse"
    assert words_of("Voter's mobilePhone_no.") == ["voter", "mobile", "phone", "no"]


@given(st.lists(st.text(max_size=20) | st.sampled_from(list(TARGET_OF)), max_size=12), st.data())
def test_any_headers_give_a_mapping_without_rivals(headers: list[str], data: st.DataObject) -> None:
    cell = st.text(max_size=15) | st.sampled_from(["020 7946 0123", "a@example.org", "LS1 1AA"])
    rows = data.draw(st.lists(st.lists(cell, max_size=len(headers) + 1), max_size=5))
    guesses = guess_columns(headers, rows)
    mapping = Mapping.of(headers, [g.target for g in guesses])
    assert {fault.reason for fault in faults_of(mapping)} <= {"no_phone_column"}
    assert all(len(g.samples) <= 3 for g in guesses)


@pytest.mark.parametrize(
    "header",
    [
        "Assistant's Phone", "Branch Secretary Mobile", "Spouse Mobile", "Company Main Phone",
        "Husband's phone number", "EMPLOYER_PHONE", "SPOUSEPHONE", "Notfalltelefon",
        "Telefon Sekretariat", "Téléphone du conjoint", "Teléfono de la empresa", "Ffôn priod",
        "Firma Telefon", "Next of kin mobile", "Fax", "Fax number",
        "Boss mobile", "PA's phone", "Recruiter phone", "Captain's mobile", "Referred by phone",
    ],
)  # fmt: skip
def test_other_peoples_telephones_are_left_out(header: str) -> None:
    rows = [["Ada", f"020 7946 0{n:03d}"] for n in range(20)]
    # Even where nothing else in the file is a telephone.
    assert guessed("First name", header, rows=rows) == {"First name": "first_name"}
    beside = [[*row, "020 7946 0999"] for row in rows]
    assert guessed("First name", header, "Phone", rows=beside) == {
        "First name": "first_name",
        "Phone": "phone",
    }


def test_googles_contacts() -> None:
    headers = columns(
        "First Name,Last Name,Organization Name,E-mail 1 - Label,E-mail 1 - Value,"
        "Phone 1 - Label,Phone 1 - Value,Phone 2 - Label,Phone 2 - Value"
    )
    row = columns("Ada,Example,,Home,ada@example.org,Mobile,020 7946 0123 ::: 020 7946 0124,Work,")
    assert guessed(*headers, rows=[row]) == {
        "First Name": "first_name",
        "Last Name": "last_name",
        "E-mail 1 - Value": "email",
        "Phone 1 - Value": "phone",
        "Phone 2 - Value": "phone",
    }
