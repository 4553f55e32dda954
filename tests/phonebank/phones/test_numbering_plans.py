"""A numbering plan may say "not sure"; it may never disagree with libphonenumber."""

import random

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from phonebank.phones.numbering_plans import calling_code_of, plan_of_calling_code, plan_of_country

COUNTRIES = sorted(phonenumbers.SUPPORTED_REGIONS)
KINDS = sorted(PhoneNumberType.values())


def assert_agrees(country: str, digits: str, international: bool) -> bool:
    """Whether the plan recognised the digits, having checked that it read them rightly."""
    plan = plan_of_country(country)
    found = plan.recognise(digits, international) if plan else None
    if found is None:
        return False
    number = phonenumbers.parse(f"+{digits}" if international else digits, country)
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.FIXED_LINE_OR_MOBILE:
        kind = PhoneNumberType.FIXED_LINE if found.kind != PhoneNumberType.MOBILE else found.kind
    where = (country, digits, international)
    assert phonenumbers.is_valid_number(number), where
    assert found.e164 == phonenumbers.format_number(number, PhoneNumberFormat.E164), where
    assert found.kind == kind, where
    return True


@pytest.mark.parametrize("country", COUNTRIES)
def test_every_kind_of_number_in_every_usual_spelling(country: str) -> None:
    prefix = phonenumbers.ndd_prefix_for_region(country, True) or ""
    code = str(phonenumbers.country_code_for_region(country))
    chance = random.Random(country)
    for kind in KINDS:
        example = phonenumbers.example_number_for_type(country, kind)
        if example is None:
            continue
        national = phonenumbers.national_significant_number(example)
        tails = [national[-4:], *(f"{chance.randrange(10**4):04d}" for _ in range(4))]
        for number in [national[:-4] + tail for tail in tails]:
            for digits in (number, prefix + number, code + number, code + prefix + number):
                assert_agrees(country, digits, international=False)
                assert_agrees(country, digits, international=True)
            assert_agrees(country, "00" + code + number, international=False)


@settings(max_examples=400)
@given(
    st.sampled_from(["GB", "US", "CA", "IE", "DE", "FR", "ES", "IT", "AU", "IN", "MX", "RU", "JE"]),
    st.text("0123456789", min_size=1, max_size=17),
    st.booleans(),
)
def test_any_digits(country: str, digits: str, international: bool) -> None:
    assert_agrees(country, digits, international)


@pytest.mark.parametrize(
    ("country", "digits", "international"),
    [
        ("GB", "02079460123", False),
        ("GB", "2079460123", False),
        ("GB", "442079460123", True),
        ("GB", "4402079460123", True),
        ("GB", "442079460123", False),
        ("US", "2025550123", False),
        ("US", "12025550123", False),
        ("US", "12025550123", True),
        ("DE", "03023125000", False),
        ("FR", "0199000000", False),
    ],
)
def test_plain_numbers_take_the_short_way(country: str, digits: str, international: bool) -> None:
    assert assert_agrees(country, digits, international)


def test_most_countries_have_a_plan() -> None:
    without = {country for country in COUNTRIES if plan_of_country(country) is None}
    assert {"BR", "AR"} <= without
    assert len(without) < 60, without
    with pytest.raises(ValueError, match="'UK' is not an ISO country code"):
        plan_of_country("UK")


@pytest.mark.parametrize(
    ("e164", "code"),
    [("+442079460123", "44"), ("+12025550123", "1"), ("+353", "353"), ("+999", None)]
    + [(text, None) for text in ("", "+", "447700900123", "+٤٤", "+4 4")],
)
def test_calling_code(e164: str, code: str | None) -> None:
    assert calling_code_of(e164) == code


def test_a_calling_code_leads_to_its_main_country() -> None:
    plan = plan_of_calling_code("44")
    assert plan is not None
    assert plan.country == "GB"
    assert plan_of_calling_code("800") is None  # international freephone belongs to no country
