"""Numbers as people type them; only from the ranges kept for fiction."""

import gc
from contextlib import suppress

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonebank.phones.e164 import (
    LONGEST_CELL,
    REASONS,
    InvalidPhoneNumberError,
    format_for_reading,
    read_number,
    read_numbers,
)
from phonebank.phones.number_places import is_of_country, time_zones_of

LONDON = "+442079460123"
MOBILE = "+447700900123"
WASHINGTON = "+12025550123"


@pytest.mark.parametrize(
    "text",
    [
        "020 7946 0123",
        "02079460123",
        "(020) 7946-0123",
        "020.7946.0123",
        "  020 7946 0123\n",
        "020\xa07946\xa00123",
        "020\u20117946\u20110123",
        "\u202a+44 20 7946 0123\u202c",
        "\ufeff02079460123",
        "+44 20 7946 0123",
        "+44 (0)20 7946 0123",
        "+44(0)2079460123",
        "+44 020 7946 0123",
        "0044 20 7946 0123",
        "442079460123",
        "2079460123",  # Excel dropped the leading zero
        "2079460123.0",  # a number column with gaps in it
        "442079460123.00",
        "2079460123,0",
        '="02079460123"',  # how some exports stop Excel
        "'02079460123",
        "020 7946 0123 ext 12",
        "020 7946 0123 ext. 12",
        "020 7946 0123 Extension 12",
        "020 7946 0123 x12",
        "020 7946 0123x12",
        "020 7946 0123 #12",
        "tel:+442079460123",
        "Tel: 020 7946 0123",
        "020 7946 0123 (home)",
        "020 7946 0123 after six",
        "０２０ ７９４６ ０１２３",
        "٠٢٠ ٧٩٤٦ ٠١٢٣",
    ],
)
def test_one_number_in_many_spellings(text: str) -> None:
    assert read_number(text, "GB") == LONDON
    assert read_numbers(text, "GB") == [LONDON]


@pytest.mark.parametrize(
    "text",
    [
        "(202) 555-0123",
        "202-555-0123",
        "202.555.0123",
        "1 202 555 0123",
        "+1 (202) 555-0123",
        "12025550123",
        "2025550123.0",
        "(202) 555-0123 x4",
    ],
)
def test_american_spellings(text: str) -> None:
    assert read_numbers(text, "US") == [WASHINGTON]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \t\xa0", "empty"),
        ("-", "empty"),
        ("n/a", "not_a_number"),
        ("ask Mary", "not_a_number"),
        ("12 High Street 4", "not_a_number"),
        ("4.47701E+11", "scientific_notation"),
        ("4,47701E+11", "scientific_notation"),
        ("4E+11", "scientific_notation"),
        ("999", "too_short"),
        ("020 794", "too_short"),
        ("020 7946 01234", "too_long"),
        ("020 7946 0123 020 7946 0456", "too_long"),
        ("0" * 300, "too_long"),
        ("02079460123 " + "x" * LONGEST_CELL, "too_long"),
        ("+999 20 7946 0123", "unknown_calling_code"),
        ("07700 900123", "invalid_for_country"),  # for fiction, and no demonstration
        ("0000000000", "invalid_for_country"),
        ("0909 879 0123", "premium_rate"),
        ("+44 909 879 0123", "premium_rate"),
        ("0909 879 0123 (home)", "premium_rate"),
        ("+1 900 555 0123", "premium_rate"),
    ],
)
def test_refusals_are_named(text: str, reason: str) -> None:
    for read in (read_number, read_numbers):
        with pytest.raises(InvalidPhoneNumberError) as refused:
            read(text, "GB")
        assert refused.value.reason == reason
        assert refused.value.message == REASONS[reason].format(country="UK")


def test_local_number_without_its_area_code_is_too_short() -> None:
    with pytest.raises(InvalidPhoneNumberError, match="area code"):
        read_number("555-0123", "US")


def test_refusals_never_quote_the_number() -> None:
    with pytest.raises(InvalidPhoneNumberError) as refused:
        read_number("07700 900123", "GB")
    assert not any(c.isdigit() for c in str(refused.value))
    assert "{" not in str(refused.value)


@pytest.mark.parametrize(
    "cell",
    [
        "020 7946 0123 / 07700 900123",
        "020 7946 0123/07700 900123",
        "02079460123/07700900123",
        "020 7946 0123; 07700 900123",
        "020 7946 0123, 07700 900123",
        "02079460123,07700900123",
        "020 7946 0123 or 07700 900123",
        "020 7946 0123 OR 07700 900123",
        "020 7946 0123 and 07700 900123",
        "020 7946 0123 & 07700 900123",
        "020 7946 0123\n07700 900123",
        "+44 20 7946 0123 +44 7700 900123",
        "02079460123 07700900123",
        "H: 020 7946 0123 / M: 07700 900123",
        "020 7946 0123 / 07700 900123 / 020 7946 0123",
    ],
)
def test_two_numbers_in_a_cell(cell: str) -> None:
    assert read_numbers(cell, "GB", allow_drama=True) == [LONDON, MOBILE]


def test_the_readable_number_is_kept_beside_an_unreadable_one() -> None:
    assert read_numbers("unlisted / 020 7946 0123", "GB") == [LONDON]
    assert read_numbers("0909 879 0123 or 020 7946 0123", "GB") == [LONDON]
    with pytest.raises(InvalidPhoneNumberError) as refused:
        read_numbers("0909 879 0123 / n/a", "GB")
    assert refused.value.reason == "premium_rate"


def test_a_slash_after_the_area_code_makes_no_second_number() -> None:
    assert read_numbers("030/23125000", "DE") == ["+493023125000"]
    assert read_numbers("+49 30/23125000", "DE") == ["+493023125000"]
    assert read_numbers("030/23125000 / 030/23125001", "DE") == ["+493023125000", "+493023125001"]
    # The tail stands for a whole number; read alone it would be a stranger's.
    assert read_numbers("030 23125000/23125001", "DE") == ["+493023125000"]


def test_numbers_from_abroad_need_their_code() -> None:
    assert read_number("+1 202 555 0123", "GB") == WASHINGTON
    assert read_number("011 44 20 7946 0123", "US") == LONDON
    with pytest.raises(InvalidPhoneNumberError):
        read_number("(202) 555-0123", "GB")


def test_the_islands_that_share_a_code_are_taken() -> None:
    jersey = phonenumbers.example_number_for_type("JE", phonenumbers.PhoneNumberType.MOBILE)
    national = phonenumbers.format_number(jersey, phonenumbers.PhoneNumberFormat.NATIONAL)
    assert read_number(national, "GB").startswith("+4477")


def test_unknown_country_is_the_programmers_fault() -> None:
    with pytest.raises(ValueError, match="'UK' is not") as error:
        read_number("020 7946 0123", "UK")
    assert not isinstance(error.value, InvalidPhoneNumberError)


@pytest.mark.parametrize(
    ("e164", "country", "shown"),
    [
        (LONDON, "GB", "020 7946 0123"),
        (LONDON, "US", "+44 20 7946 0123"),
        (MOBILE, "GB", "07700 900123"),
        (WASHINGTON, "US", "(202) 555-0123"),
        (WASHINGTON, "CA", "(202) 555-0123"),
        (WASHINGTON, "GB", "+1 202-555-0123"),
        ("gone", "GB", "gone"),
    ],
)
def test_pretty(e164: str, country: str, shown: str) -> None:
    assert format_for_reading(e164, country) == shown


COUNTRIES = st.sampled_from(["GB", "US", "DE", "FR", "IT", "BR", "AU", "IE"])
PHONE_LIKE = st.text("0123456789 +()-./;,xeE\xa0or", max_size=40)


@settings(max_examples=400)
@given(st.text(max_size=200) | PHONE_LIKE, COUNTRIES, st.booleans())
def test_any_text_is_a_number_or_refused_by_name(text: str, country: str, drama: bool) -> None:
    try:
        numbers = read_numbers(text, country, drama)
    except InvalidPhoneNumberError as refused:
        reason, numbers = refused.reason, []
    else:
        reason = None
    assert (reason in REASONS) != bool(numbers)
    assert len(set(numbers)) == len(numbers)
    for number in numbers:
        assert number.startswith("+")
        # Reading what was read changes nothing, wherever the list is from.
        assert read_number(number, country, drama) == number
        assert read_number(number, "US", drama) == number
        assert read_number(format_for_reading(number, country), country, drama) == number


@given(st.text(max_size=30), COUNTRIES)
def test_any_text_has_zones_and_a_look(text: str, country: str) -> None:
    assert isinstance(time_zones_of(text), tuple)
    assert isinstance(format_for_reading(text, country), str)


@pytest.mark.parametrize(
    ("cell", "left"),
    [
        ("020 7946 0123, husband 07700 900123", [LONDON]),
        ("07700 900123 (wife) / 020 7946 0123", [LONDON]),
        ("was 07700 900123; 020 7946 0123 now", [LONDON]),
        ("Tel.: 020 7946 0123 Fax: 020 7946 0124", [LONDON]),
        ("Fax 020 7946 0124 Tel 020 7946 0123", [LONDON]),
        ("020 7946 0123 (home), 07700 900123 (son's)", [LONDON]),
        ("020 7946 0123, not 07700 900123", [LONDON]),
        ("020 7946 0123 / no longer 07700 900123", [LONDON]),
        ("020 7946 0123 not before 18:00", [LONDON]),
        ("020 7946 0123 alt: 07700 900123", [LONDON, MOBILE]),
        ("07700 900123 was engaged", [MOBILE]),
    ],
)
def test_other_peoples_numbers_in_a_cell_are_left_out(cell: str, left: list[str]) -> None:
    assert read_numbers(cell, "GB", allow_drama=True) == left


@pytest.mark.parametrize(
    "cell",
    [
        "07700 900123 (Mum)",
        "07700 900123, wife's",
        "wife, 07700 900123",
        "07700 900123 (Mutter)",
        "07700 900123 conjoint",
        "vecina 07700 900123",
        "07700 900123 (old) 07700 900124 (new)",
        "07700 900123 (Mum 07700 900124)",
        "020 7946 0124 (fax)",
        "07700 900123 instead of 07700 900124",
        "NOT 07700 900123",
        "020 7946 0123 statt 07700 900124",
        "Fax: 020 7946 0124",
    ],
)
def test_a_cell_with_another_persons_number_alone_says_so(cell: str) -> None:
    with pytest.raises(InvalidPhoneNumberError) as refused:
        read_numbers(cell, "GB", allow_drama=True)
    assert refused.value.reason == "somebody_elses"


@pytest.mark.parametrize(
    "ending", ["ext12", "Ext.12", "Ext1", "p. 12", "App. 12", "int. 12", "x12"]
)
def test_an_extension_is_dropped_in_any_spelling(ending: str) -> None:
    assert read_numbers(f"020 7946 0123 {ending}", "GB", allow_drama=True) == [LONDON]


@pytest.mark.parametrize(
    ("cell", "country"),
    [
        ("23125123", "DE"),
        ("2312512", "DE"),
        ("23 12 51", "DE"),
        ("2091123", "IE"),
        ("671 2345", "IE"),
    ],
)
def test_a_number_without_its_area_code_is_nobodys_in_another_town(cell: str, country: str) -> None:
    with pytest.raises(InvalidPhoneNumberError) as refused:
        read_numbers(cell, country)
    assert refused.value.reason in ("too_short", "invalid_for_country")


@pytest.mark.parametrize(
    ("cell", "country", "number"),
    [
        ("491713920012", "DE", "+491713920012"),
        ("49 171 3920012", "DE", "+491713920012"),
        ("49 (0)30 23125123", "DE", "+493023125123"),
        ("49(0)171 3920012", "DE", "+491713920012"),
        ("1713920012", "DE", "+491713920012"),
        ("30 23125123", "DE", "+493023125123"),
        ("1 671 2345", "IE", "+35316712345"),
    ],
)
def test_a_plus_or_zero_that_a_spreadsheet_took(cell: str, country: str, number: str) -> None:
    assert read_numbers(cell, country) == [number]


def test_an_area_code_behind_the_number_refuses_it() -> None:
    with pytest.raises(InvalidPhoneNumberError):
        read_numbers("23125123 (030)", "DE")


def test_irelands_prefix_for_the_north_is_a_number_of_the_north() -> None:
    assert read_numbers("048 9018 0123", "IE", allow_drama=True) == ["+442890180123"]
    assert not is_of_country("+442890180123", "IE")


@pytest.mark.parametrize("text", ["+999123456", "00999123", "+4412345678901234567", "1", "12"])
def test_a_bad_number_leaves_nothing_for_the_garbage_collector(text: str) -> None:
    """Otherwise all that the request or the import had in its variables would stay until then."""

    def read() -> None:
        with suppress(InvalidPhoneNumberError):
            read_number(text, "GB")
        with suppress(InvalidPhoneNumberError):
            read_numbers(text, "GB")
        format_for_reading(text, "GB")

    read()  # the first time compiles expressions and reads numbering plans
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            read()
        assert gc.collect() == 0
    finally:
        gc.enable()
