"""Rows → contacts, and whole files of the kinds campaigns have."""

import csv
import io
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonebank.csv_input.column_guesses import guess_columns
from phonebank.csv_input.column_mapping import FIELDS, Mapping, faults_of, field_target
from phonebank.csv_input.rows import Row, read_rows, sniff
from phonebank.lists.normalise import (
    LONGEST,
    LONGEST_FIELD_VALUE,
    ContactRow,
    RefusedRow,
    normalise,
)
from phonebank.lists.notes_in_cells import Wish
from phonebank.phones.e164 import LONGEST_CELL, REASONS, read_number


def contact(country: str = "GB", **columns: str) -> ContactRow:
    """The result of one row; its columns have the names of their targets."""
    done = outcome(country, **columns)
    assert isinstance(done, ContactRow), done
    return done


def refused(country: str = "GB", **columns: str) -> RefusedRow:
    done = outcome(country, **columns)
    assert isinstance(done, RefusedRow), done
    return done


def outcome(country: str, **columns: str) -> ContactRow | RefusedRow:
    mapping = Mapping.of([f"The {target}" for target in columns], list(columns))
    return normalise(Row(7, list(columns.values())), mapping, country, allow_drama=True)


def test_a_row_with_everything() -> None:
    done = contact(
        first_name="  Aisha ",
        last_name="O’Brien",
        mobile="07700 900123",
        landline="020 7946 0123",
        external_id="1234.0",
        postcode="ls11aa",
        language="Cymraeg",
        time_zone="europe/london",
        email="aisha@example.org",
        do_not_call="no",
        town="Leeds",
        address="12 High Street",
        tags="Helper; needs  a lift|HELPER",
    )
    assert asdict(done) == {
        "row_number": 7,
        "phone": "+447700900123",
        "phone_original": "07700 900123",
        "first_name": "Aisha",
        "last_name": "O’Brien",
        "other_phones": ["+442079460123"],
        "external_id": "1234",
        "postcode": "LS1 1AA",
        "language": "cy",
        "time_zone": "Europe/London",
        "email": "aisha@example.org",
        "tags": ["helper", "needs a lift"],
        "do_not_call": False,
        "fields": {"town": "Leeds", "address": "12 High Street"},
    }


def test_a_row_with_a_number_only() -> None:
    done = contact(phone="020 7946 0123", first_name="", postcode=" ", email="none", language="?")
    assert done == ContactRow(7, "+442079460123", "020 7946 0123")


def test_the_lists_own_choice_is_called_first_and_the_rest_kept() -> None:
    done = contact(
        landline="020 7946 0001 / 020 7946 0002",
        work_phone="020 7946 0003 ext 4",
        mobile="07700 900123",
        phone="07700900123",
    )
    assert done.phone == "+447700900123"
    assert done.other_phones == ["+442079460001", "+442079460002", "+442079460003"]


def test_an_unreadable_number_gives_way_to_a_readable_one() -> None:
    done = contact(mobile="4.47701E+11", landline="020 7946 0123 (ask for Jo)")
    assert (done.phone, done.phone_original) == ("+442079460123", "020 7946 0123 (ask for Jo)")


def test_a_row_without_a_number_is_refused_by_column_and_reason() -> None:
    row = refused(first_name="Ann", mobile="4.47701E+11", landline="n/a")
    assert (row.row_number, row.column, row.reason) == (7, "The mobile", "scientific_notation")
    assert row.message == REASONS["scientific_notation"]
    assert row.cells == ["Ann", "4.47701E+11", "n/a"]
    row = refused(first_name="Ann", landline="", mobile=" - ")
    assert (row.column, row.reason) == ("The mobile", "no_phone")
    assert refused(phone="0909 879 0123").reason == "premium_rate"


def test_drama_numbers_are_for_demonstrations() -> None:
    mapping = Mapping.of(["Tel"], ["phone"])
    done = normalise(Row(2, ["07700 900123"]), mapping, "GB")
    assert isinstance(done, RefusedRow)
    assert done.reason == "invalid_for_country"


@pytest.mark.parametrize(
    ("fault", "words"),
    [("extra_cells", "3 cells, but there are 2 column names"), ("unclosed_quote", "never closed")],
)
def test_a_faulty_row_is_refused_whole(fault: str, words: str) -> None:
    mapping = Mapping.of(["Name", "Tel"], ["full_name", "phone"])
    done = normalise(Row(9, ["Lee, Ann", "020 7946 0123", "x"], fault), mapping, "GB")
    assert isinstance(done, RefusedRow)
    assert (done.row_number, done.column, done.reason) == (9, "", fault)
    assert words in done.message


@pytest.mark.parametrize(
    "target", ["first_name", "last_name", "full_name", "external_id", "postcode", "email"]
)
def test_a_cell_that_is_too_long_refuses_the_row(target: str) -> None:
    value = "x" * 300 + "@example.org"
    row = refused(phone="020 7946 0123", **{target: value})
    assert (row.column, row.reason) == (f"The {target}", "cell_too_long")
    assert "312 characters" in row.message


def test_fields_of_the_campaigns_own_keep_their_names() -> None:
    headers = ["Tel", "Ward ", "Why\nthey care", "Address1", "Address2", "Shoe size"]
    targets = [
        "phone",
        field_target("Ward "),
        field_target("Why\nthey care"),
        "address",
        "address",
        "ignore",
    ]
    mapping = Mapping.of(headers, targets)
    cells = ["020 7946 0123", "Headingley", "line\r\nbreak\x00\x07", "Flat 2", "12 High St", "9"]
    done = normalise(Row(2, cells), mapping, "GB")
    assert isinstance(done, ContactRow)
    assert done.fields == {
        "ward": "Headingley",
        "why_they_care": "line break",
        "address": "Flat 2, 12 High St",
    }
    cells[2] = "x" * (LONGEST_FIELD_VALUE + 1)
    assert isinstance(normalise(Row(2, cells), mapping, "GB"), RefusedRow)


def test_the_full_name_serves_where_the_parts_are_missing() -> None:
    done = contact(full_name="Jones, Ann", first_name="", last_name="", phone="020 7946 0123")
    assert (done.first_name, done.last_name) == ("Ann", "Jones")
    done = contact(full_name="Jones, Ann", first_name="Annie", last_name="", phone="020 7946 0123")
    assert (done.first_name, done.last_name) == ("Annie", "")


def test_any_do_not_call_column_counts() -> None:
    mapping = Mapping.of(["Tel", "DNC", "TPS"], ["phone", "do_not_call", "do_not_call"])
    for cells, asked in ((["", ""], False), (["no", "Y"], True), (["1", ""], True)):
        done = normalise(Row(2, ["020 7946 0123", *cells]), mapping, "GB")
        assert isinstance(done, ContactRow)
        assert done.do_not_call is asked


def test_a_wish_not_to_be_called_outlives_other_faults_of_the_row() -> None:
    done = contact(phone="020 7946 0123", do_not_call="x", last_name="x" * 300)
    assert (done.phone, done.do_not_call) == ("+442079460123", True)


def test_a_value_that_nobody_decided_stores_and_suppresses_nobody() -> None:
    row = refused(phone="020 7946 0123", do_not_call="perhaps")
    assert (row.column, row.reason) == ("The do_not_call", "unread_mark")


def test_what_an_organiser_decided_about_a_value_is_done() -> None:
    for action, reason in (("call", None), ("suppress", None), ("set_aside", "set_aside")):
        mapping = Mapping.of(["Tel", "DNC"], ["phone", "do_not_call"], {"1": {"perhaps": action}})
        done = normalise(Row(2, ["020 7946 0123", " Perhaps."]), mapping, "GB")
        if isinstance(done, RefusedRow):
            assert done.reason == reason
        else:
            assert done.do_not_call is (action == "suppress")


def test_a_no_to_calls_means_do_not_call() -> None:
    assert contact(phone="020 7946 0123", consent="No").do_not_call
    assert not contact(phone="020 7946 0123", consent="Yes").do_not_call


def test_a_number_that_does_not_work_is_left_out_wherever_it_stands() -> None:
    headers = ["mobile_number", "home", "is_mobile_bad"]
    mapping = Mapping.of(headers, ["mobile", "landline", "bad_number"])
    for bad, phones in (("true", ["+442079460123"]), ("false", ["+447700900123", "+442079460123"])):
        row = Row(2, ["07700 900123", "020 7946 0123, 07700 900123", bad])
        done = normalise(row, mapping, "GB", allow_drama=True)
        assert isinstance(done, ContactRow)
        assert [done.phone, *done.other_phones] == phones
    alone = normalise(Row(3, ["07700 900123", "", "true"]), mapping, "GB", allow_drama=True)
    assert isinstance(alone, RefusedRow)
    assert (alone.column, alone.reason) == ("mobile_number", "wish_bad_number")


def test_a_row_with_a_wish_written_in_it_is_set_aside_with_the_reason() -> None:
    row = refused(first_name="Ann", phone="020 7946 0123 (do not call)", landline="020 7946 0124")
    assert (row.column, row.reason) == ("The phone", "wish_do_not_call")
    row = refused(first_name="Deceased", last_name="Ex", phone="020 7946 0123")
    assert (row.column, row.reason) == ("The first_name", "wish_deceased")
    row = refused(phone="020 7946 0123 wrong number")
    assert (row.column, row.reason) == ("The phone", "wish_bad_number")
    other = contact(phone="020 7946 0123 wrong number", landline="020 7946 0124")
    assert (other.phone, other.other_phones) == ("+442079460124", [])
    marked = contact(phone="020 7946 0123 deceased", do_not_call="yes")
    assert marked.do_not_call


NUMBERS = st.sampled_from(
    ["020 7946 0123", "07700 900123 / 020 7946 0123", "0909 879 0123", "x", ""]
)


@settings(max_examples=300)
@given(st.data())
def test_any_row_is_a_contact_that_can_be_stored_or_a_refusal(data: st.DataObject) -> None:
    targets = data.draw(st.lists(st.sampled_from([*FIELDS, "field:Ward"]), max_size=8, unique=True))
    cell = st.text(max_size=20) | NUMBERS | st.text("aB ,.'-", max_size=150)
    cells = [data.draw(cell) for _ in targets]
    mapping = Mapping.of(targets, targets)
    done = normalise(Row(2, cells), mapping, data.draw(st.sampled_from(["GB", "US"])), True)
    if isinstance(done, RefusedRow):
        assert done.reason in {*REASONS, *Wish, "no_phone", "cell_too_long", "unread_mark"}
        assert done.column in (*targets, "")
        assert done.message
        return
    stored = asdict(done)
    fields = stored.pop("fields")
    texts = [
        v for v in (*stored.values(), *fields.values(), *done.other_phones) if isinstance(v, str)
    ]
    for text in texts:
        text.encode("utf-8")  # no lone surrogate
        assert "\0" not in text
        assert text == text.strip()
    for target, longest in LONGEST.items():
        assert len(stored[target] or "") <= longest
    assert len(done.phone_original) <= LONGEST_CELL
    for number in (done.phone, *done.other_phones):
        assert read_number(number, "GB", allow_drama=True) == number
    assert done.phone not in done.other_phones
    assert len(set(done.other_phones)) == len(done.other_phones)


def test_a_demonstration_takes_no_number_that_a_person_may_have() -> None:
    mapping = Mapping.of(["phone"], ["phone"])
    real = Row(2, ["020 7219 3000"])  # the House of Commons
    refused = normalise(real, mapping, "GB", allow_drama=True)
    assert isinstance(refused, RefusedRow)
    assert refused.reason == "somebodys_number"
    assert isinstance(normalise(real, mapping, "GB", allow_drama=False), ContactRow)
    both = normalise(Row(3, ["020 7219 3000 / 020 7946 0000"]), mapping, "GB", allow_drama=True)
    assert isinstance(both, ContactRow)
    assert (both.phone, both.other_phones) == ("+442079460000", [])


def test_a_number_abroad_is_another_campaigns() -> None:
    mapping = Mapping.of(["phone", "other", "dnc"], ["phone", "phone", "do_not_call"])
    abroad, at_home = "+33 1 42 34 20 00", "020 7219 3000"
    refused = normalise(Row(2, [abroad, "", ""]), mapping, "GB")
    assert isinstance(refused, RefusedRow)
    assert refused.reason == "another_country"
    both = normalise(Row(3, [abroad, at_home, ""]), mapping, "GB")
    assert isinstance(both, ContactRow)
    assert (both.phone, both.other_phones) == ("+442072193000", [])
    wish = normalise(Row(4, [abroad, "", "yes"]), mapping, "GB")
    assert isinstance(wish, ContactRow)
    assert wish.do_not_call
    assert wish.phone == "+33142342000"


def imported(content: bytes, country: str) -> list[ContactRow | RefusedRow]:
    """A file with its columns as guessed."""
    rows = list(
        read_rows([content[i : i + 50] for i in range(0, len(content), 50)], sniff(content))
    )
    header = rows[0].cells
    guesses = guess_columns(header, [row.cells for row in rows[1:]])
    mapping = Mapping.of(header, [g.target for g in guesses])
    assert faults_of(mapping) == []
    return [normalise(row, mapping, country, allow_drama=True) for row in rows[1:]]


def file(rows: list[list[str]], delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode(encoding)


def test_a_votebuilder_export() -> None:
    """Named .xls, and tab-separated UTF-16; a preferred phone that is the home phone again."""
    rows = [
        "Voter File VANID,LastName,FirstName,MiddleName,Suffix,Sex,Age,Party,Pref Phone ,"
        "Home Phone,Cell Phone,vAddress,vCity,vState,vZip5,PrecinctName",
        "100001,García,María,J,,F,44,D,(202) 555-0101,"
        "(202) 555-0101,2025550102,1 Elm St,Boston,MA,2134,W1",
        "100002,SMITH,JOHN,,JR,M,61,R,,,,2 Elm St,Boston,MA,02134,W1",
    ]
    done = imported(file([row.split(",") for row in rows], "\t", "utf-16"), "US")
    assert done[0] == ContactRow(
        2,
        "+12025550101",
        "(202) 555-0101",
        "María",
        "García",
        other_phones=["+12025550102"],
        external_id="100001",
        postcode="02134",
        fields={"town": "Boston", "address": "1 Elm St"},
    )
    assert isinstance(done[1], RefusedRow)
    assert (done[1].row_number, done[1].column, done[1].reason) == (3, "Pref Phone", "no_phone")


def test_a_nationbuilder_export() -> None:
    rows = [
        "nationbuilder_id,prefix,first_name,last_name,email,phone_number,work_phone_number,"
        "mobile_number,is_mobile_bad,federal_donotcall,do_not_call,language,tag_list,note,"
        "address_address1,address_city,address_zip",
        "11,Ms,Zoë,Núñez,zoe@example.org,020 7946 0011,,07700 900011,false,false,false,es,"
        "a;b,Met at fair,,,W1A 1AA",
        "12,,Bo,Fox,,+44 20 7946 0012,,,false,false,true,en,,,,,",
    ]
    first, second = imported(file([row.split(",") for row in rows], encoding="utf-8-sig"), "GB")
    assert isinstance(first, ContactRow)
    assert isinstance(second, ContactRow)
    assert (first.phone, first.other_phones) == ("+442079460011", ["+447700900011"])
    assert (first.language, first.postcode, first.external_id) == ("es", "W1A 1AA", "11")
    assert first.fields == {}  # notes and tags are not kept unless asked for
    assert (first.do_not_call, second.do_not_call) == (False, True)


def test_an_action_network_export() -> None:
    rows = [
        "email,first_name,last_name,can2_phone,can2_user_city,zip_code,uuid,can2_subscription_status",
        "ann@example.org,Ann,Lee,12025550103,Washington,20001-1234,8f1c,subscribed",
    ]
    (done,) = imported(file([row.split(",") for row in rows], encoding="utf-8-sig"), "US")
    assert isinstance(done, ContactRow)
    assert (done.phone, done.postcode, done.external_id) == ("+12025550103", "20001-1234", "8f1c")
    assert done.email == "ann@example.org"
    assert not done.do_not_call


def test_a_spoke_file() -> None:
    content = b"firstName,lastName,cell,zip,favouriteColour\nAnn,Lee,202-555-0104,2134,red\n"
    (done,) = imported(content, "US")
    assert done == ContactRow(2, "+12025550104", "202-555-0104", "Ann", "Lee", postcode="02134")


def test_an_electoral_register_with_phones_joined_on() -> None:
    """From Excel in Windows-1252, with the damage Excel does."""
    rows = [
        "Elector Number Prefix;Elector Number;Elector Name;PostCode;Address1;Address2;Mobile;TPS",
        "AB;1;O'NEIL, Siân Mary;ls1 1aa;Flat 2;12 High Street;7700900021;",
        "AB;2;ST. JOHN-SMITH, Mr. RENÉ;LS1 1AA;14 High Street;;7700900022.0;Y",
        "AB;3;VAN DER BERG, Jo;LS1 1AA;16 High Street;;4.47701E+11;",
        "AB;4;Ann Lee;LS1 1AA;18 High Street;;07700\xa0900024 or 07700\xa0900025;",
    ]
    content = "\r\n".join(rows).encode("cp1252")
    first, second, third, fourth = imported(content, "GB")
    assert isinstance(first, ContactRow)
    assert (first.first_name, first.last_name) == ("Siân Mary", "O'Neil")
    assert (first.phone, first.postcode) == ("+447700900021", "LS1 1AA")
    assert first.fields == {"address": "Flat 2, 12 High Street"}
    assert isinstance(second, ContactRow)
    assert (second.first_name, second.last_name) == ("René", "St. John-Smith")
    assert second.do_not_call
    assert isinstance(third, RefusedRow)
    assert (third.row_number, third.column, third.reason) == (4, "Mobile", "scientific_notation")
    assert isinstance(fourth, ContactRow)
    assert (fourth.phone, fourth.other_phones) == ("+447700900024", ["+447700900025"])
    assert fourth.phone_original == "07700 900024 or 07700 900025"


def test_a_wish_over_both_names_sets_the_row_aside() -> None:
    said = refused(phone="020 7123 4567", first_name="Do Not", last_name="Call")
    assert said.reason == Wish.DO_NOT_CALL


def test_a_wish_counts_for_a_number_with_words_beside_it() -> None:
    done = contact(phone="020 7946 0123 (Mum)", do_not_call="yes")
    assert (done.phone, done.do_not_call) == ("+442079460123", True)
