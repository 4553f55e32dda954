import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonebank.csv_input.cells import (
    language_code_of,
    tidy,
    tidy_email,
    tidy_identifier,
    tidy_postcode,
)
from phonebank.lists.person_names import read_name, split_full_name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  Ann  \t Lee\r\n", "Ann Lee"),
        ("Ann\xa0Lee", "Ann Lee"),
        ("\ufeffA\u200bn\x00n\x07\ud800", "Ann"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("😀", "😀"),
        ("", ""),
    ],
)
def test_tidy(text: str, said: str) -> None:
    assert tidy(text) == said


@given(st.text())
def test_tidy_text_can_be_stored_and_stays_as_it_is(text: str) -> None:
    said = tidy(text)
    said.encode("utf-8")
    assert "\0" not in said
    assert tidy(said) == said


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ann", "Ann"),
        ("ann", "ann"),
        ("McDonald", "McDonald"),
        ("ANN", "Ann"),
        ("MARY ANN", "Mary Ann"),
        ("O'NEIL", "O'Neil"),
        ("D’ARCY", "D’Arcy"),
        ("SMITH-JONES", "Smith-Jones"),
        ("MCDONALD", "McDonald"),
        ("SIÂN", "Siân"),
        ("AJ", "AJ"),
        ("LI", "Li"),
        ("DE LA CRUZ", "De La Cruz"),
        ("JOHN III", "John III"),
        ("SAINT JOHN'S", "Saint John's"),
        ("ST JOHN", "ST John"),  # two consonants may be initials
        ("王", "王"),
    ],
)
def test_names_in_capitals_are_written_as_names_are(text: str, name: str) -> None:
    assert read_name(text) == name


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("Ann Lee", "Ann", "Lee"),
        ("LEE, Ann", "Ann", "Lee"),
        ("Lee, Ann Mary", "Ann Mary", "Lee"),
        ("Lee,Ann", "Ann", "Lee"),
        ("LEE, MRS ANN", "Ann", "Lee"),
        ("Mrs. Ann Lee", "Ann", "Lee"),
        ("Rev Dr Ann Lee", "Ann", "Lee"),
        ("Ann Mary Lee", "Ann Mary", "Lee"),
        ("ANN LEE", "Ann", "Lee"),
        ("DUPONT Marie Claire", "Marie Claire", "Dupont"),
        ("Ludwig van der Berg", "Ludwig", "van der Berg"),
        ("VAN DER BERG, Jo", "Jo", "Van Der Berg"),
        ("John Lee Jr.", "John", "Lee Jr."),
        ("John Lee, Jr.", "John", "Lee Jr."),
        ("Mrs Lee", "", "Mrs Lee"),
        ("Ann", "Ann", ""),
        ("Lee,", "Lee", ""),
        (", Ann", "Ann", ""),
        ("Al Green", "Al", "Green"),
        ("Mr", "", "Mr"),
        ("", "", ""),
        (" , ", "", ""),
    ],
)
def test_full_names(text: str, first: str, last: str) -> None:
    assert split_full_name(text) == (first, last)


@given(st.text("ABab ,.'", max_size=40) | st.text(max_size=40))
def test_no_letter_of_a_name_is_lost_but_a_titles(text: str) -> None:
    first, last = split_full_name(text)
    assert first == tidy(first)
    assert last == tidy(last)
    # "None" and "#N/A" stand for no name.
    if any(read_name(part) for part in tidy(text).replace(",", " ").split()):
        assert first or last


@pytest.mark.parametrize(
    ("text", "country", "code"),
    [
        ("ls1 1aa", "GB", "LS1 1AA"),
        ("LS11AA", "GB", "LS1 1AA"),
        ("w1a1aa", "GB", "W1A 1AA"),
        ("SW1A\xa01AA", "GB", "SW1A 1AA"),
        ("LS1", "GB", "LS1"),
        ("2134", "US", "02134"),
        ("501.0", "US", "00501"),
        ("02134-1234", "US", "02134-1234"),
        ("20001", "US", "20001"),
        ("K1A 0B1", "CA", "K1A 0B1"),
        ("", "GB", ""),
    ],
)
def test_postcodes(text: str, country: str, code: str) -> None:
    assert tidy_postcode(text, country) == code


def test_identifiers_lose_what_a_number_column_adds() -> None:
    assert tidy_identifier(" 1234.0 ") == "1234"
    assert tidy_identifier("AB-1/2") == "AB-1/2"
    assert tidy_identifier("v1.0.2") == "v1.0.2"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ann@example.org", "ann@example.org"),
        (" mailto:ann@example.org", "ann@example.org"),
        ("ann at example.org", ""),
        ("ann@example", ""),
        ("a@b@example.org", ""),
        ("@example.org", ""),
        ("none", ""),
    ],
)
def test_email(text: str, address: str) -> None:
    assert tidy_email(text) == address


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("en-GB", "en"),
        ("es_MX", "es"),
        ("English", "en"),
        ("Cymraeg", "cy"),
        ("Español", "es"),
        ("spa", "es"),
        ("yes", ""),
        ("Klingon", ""),
        ("", ""),
    ],
)
def test_language(text: str, code: str) -> None:
    assert language_code_of(text) == code


@pytest.mark.parametrize(
    "text",
    ["N/A", "n/a", "NULL", "null", "#N/A", "#REF!", "#NV", "-", "--", "?", "???", ".", "NaN", "nan"]
    + ["None", "\\N", "(blank)", "Unknown", "UNKNOWN", "unbekannt", "Inconnu", "desconocido", "0"],
)
def test_what_stands_for_no_name_is_none(text: str) -> None:
    assert read_name(text) == ""
    assert split_full_name(text) == ("", "")
    assert split_full_name(f"Ada {text}") == ("Ada", "")


@pytest.mark.parametrize("text", ["Null", "Nan", "Nil", "Na", "O", "Li", "Ng", "李", "Noname"])
def test_names_that_look_like_none_are_names(text: str) -> None:
    assert read_name(text) == text
