"""Finds the country and the time zones of telephone numbers in E.164 format."""

from functools import cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

from phonebank.phones.area_codes import NORTH_AMERICA, region_of_area_code, time_zones_of_area_code
from phonebank.phones.drama_numbers import is_drama_number
from phonebank.phones.numbering_plans import calling_code_of, plan_of_calling_code

# Regions in which the rules of a larger country apply: the territories of the United States, and
# the islands with Britain's calling code.
_TERRITORIES = {
    "US": frozenset({"PR", "VI", "GU", "AS", "MP"}),
    "GB": frozenset({"JE", "GG", "IM"}),
}


def is_of_country(e164: str, country: str) -> bool:
    """Whether a valid E.164 number belongs to `country` (ISO 3166-1 alpha-2) or one of its
    territories.

    North American numbers without a place, such as freephone numbers, belong to every country with
    the calling code 1.
    """
    code = _calling_code(country)
    if not e164.startswith(code, 1):
        return False
    if code == NORTH_AMERICA:
        region = region_of_area_code(e164[2:5])
    elif _has_code_alone(country):
        return True
    else:
        region = _region_of(e164)
    return region is None or region == country or region in _TERRITORIES.get(country, ())


@cache
def _calling_code(country: str) -> str:
    return str(phonenumbers.country_code_for_region(country))


@cache
def _has_code_alone(country: str) -> bool:
    """Whether a country and its territories share their calling code with no other country."""
    code = phonenumbers.country_code_for_region(country)
    others = {country, *_TERRITORIES.get(country, ())}
    return others.issuperset(phonenumbers.region_codes_for_country_code(code))


def time_zones_of(e164: str) -> tuple[str, ...]:
    """Return every IANA time zone in which a number's owner may be, in alphabetical order. The
    result is empty if the zones are unknown.

    A landline number has the zones of its area. An American or Canadian number has the zones of all
    places that its area code covers (see `area_codes`). In most other countries, a mobile number
    has all zones of its country, because its first digits do not say where the phone is. An
    Australian mobile phone whose number begins with 0412, for example, may be in Sydney or in
    Perth.
    """
    code = calling_code_of(e164)
    if code is None or code not in TIMEZONE_DATA:
        return ()
    if code == NORTH_AMERICA and region_of_area_code(e164[2:5]) in (
        None,
        "US",
        "CA",
        *_TERRITORIES["US"],
    ):
        return time_zones_of_area_code(e164[2:5])
    of_country = TIMEZONE_DATA[code]
    if len(of_country) == 1:
        return tuple(of_country)
    if code != NORTH_AMERICA and not phonenumbers.is_number_type_geographical(
        _kind_of(e164, code), int(code)
    ):
        return tuple(of_country)
    return _zones_of_longest_prefix(e164)


def _kind_of(e164: str, code: str) -> int:
    plan = plan_of_calling_code(code)
    kind = plan.kind_of(e164[1 + len(code) :]) if plan else None
    if kind is not None:
        return kind
    if is_drama_number(e164):
        return PhoneNumberType.UNKNOWN
    # The number is not valid, or belongs to another country with this code (Jersey has 44).
    try:
        return phonenumbers.number_type(phonenumbers.parse(e164, None))
    except NumberParseException:
        return PhoneNumberType.UNKNOWN


def _region_of(e164: str) -> str | None:
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(e164, None))
    except NumberParseException:
        return None


def _zones_of_longest_prefix(e164: str) -> tuple[str, ...]:
    for end in range(TIMEZONE_LONGEST_PREFIX + 1, 1, -1):
        zones = TIMEZONE_DATA.get(e164[1:end])
        if zones is not None:
            return tuple(zones)
    return ()
