"""Where telephone numbers are: their countries and their time zones."""

import phonenumbers
import pytest
from phonenumbers.timezone import time_zones_for_number

from phonebank.phones.number_places import time_zones_of

LONDON = "+442079460123"
MOBILE = "+447700900123"
WASHINGTON = "+12025550123"


@pytest.mark.parametrize(
    ("e164", "zones"),
    [
        (LONDON, ("Europe/London",)),
        (WASHINGTON, ("America/New_York",)),
        ("+13125550123", ("America/Chicago",)),
        ("+12085550123", ("America/Boise", "America/Denver", "America/Los_Angeles")),  # Idaho
        ("+33199000000", ("Europe/Paris",)),
        ("+999123", ()),
        ("+80012345678", ()),  # international freephone
        ("not a number", ()),
        ("", ()),
    ],
)
def test_time_zones(e164: str, zones: tuple[str, ...]) -> None:
    assert time_zones_of(e164) == zones


def test_a_mobile_may_be_anywhere_in_its_country() -> None:
    australian = time_zones_of("+61491570006")  # one of those kept for fiction
    assert {"Australia/Sydney", "Australia/Perth"} <= set(australian)
    assert "Europe/London" in time_zones_of(MOBILE)
    assert set(time_zones_of(MOBILE)) >= {"Europe/Jersey", "Europe/Isle_of_Man"}


def test_zones_are_those_of_libphonenumber_where_it_knows_the_kind() -> None:
    """Except in North America, where an area code names its territory for mobiles too."""
    for country in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in phonenumbers.PhoneNumberType.values():
            number = phonenumbers.example_number_for_type(country, kind)
            if number is None or number.country_code == 1:
                continue
            e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            theirs = time_zones_for_number(number)
            assert time_zones_of(e164) == tuple(z for z in theirs if z != "Etc/Unknown"), e164
