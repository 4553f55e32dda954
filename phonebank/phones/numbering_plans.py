"""The patterns of each country's telephone numbers. They are compiled only once, so that long lists
are read quickly.

libphonenumber reads a number in about 20 microseconds, which is slow for a list of a million rows.
Most rows have a plain, valid number of the list's own country. A country's plan recognises such
numbers in a microsecond or two, from the patterns in libphonenumber's metadata. Numbers that the
plan does not recognise are left to libphonenumber itself. `test_numbering_plans.py` checks that the
plan and libphonenumber agree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, SUPPORTED_REGIONS, PhoneNumberType
from phonenumbers.phonemetadata import PhoneMetadata

# The order in which libphonenumber tries the kinds (phonenumberutil._number_type_helper). A number
# that fits both premium rate and fixed line is premium rate.
_KINDS = (
    ("premium_rate", PhoneNumberType.PREMIUM_RATE),
    ("toll_free", PhoneNumberType.TOLL_FREE),
    ("shared_cost", PhoneNumberType.SHARED_COST),
    ("voip", PhoneNumberType.VOIP),
    ("personal_number", PhoneNumberType.PERSONAL_NUMBER),
    ("pager", PhoneNumberType.PAGER),
    ("uan", PhoneNumberType.UAN),
    ("voicemail", PhoneNumberType.VOICEMAIL),
    ("fixed_line", PhoneNumberType.FIXED_LINE),
    ("mobile", PhoneNumberType.MOBILE),
)


class RecognisedNumber(NamedTuple):
    """A number that a numbering plan recognises."""

    e164: str
    kind: int  # a phonenumbers.PhoneNumberType; FIXED_LINE also means "fixed line or mobile"


@dataclass(frozen=True, slots=True)
class NumberingPlan:
    """The patterns of one country's numbers. `plan_of_country` returns the plan of a country."""

    country: str
    calling_code: str  # "44"
    main_for_code: bool  # libphonenumber reads the shared code as this country's
    national_prefix: re.Pattern[str] | None  # what people dial before the area code: "0"
    international_prefix: re.Pattern[str] | None  # what people dial to get abroad: "00"
    general: re.Pattern[str]
    kinds: re.Pattern[str]  # one group for each kind of number
    kind_of_group: tuple[int, ...]
    lengths_of_group: tuple[frozenset[int], ...]

    def kind_of(self, national: str) -> int | None:
        """Return the kind of a national number (ASCII digits without a prefix), such as MOBILE.
        Return None if the number fits no pattern or has a wrong length."""
        match = self.kinds.fullmatch(national)
        if match is None or match.lastindex is None:
            return None
        group = match.lastindex - 1
        if len(national) not in self.lengths_of_group[group]:
            return None
        return self.kind_of_group[group]

    def recognise(self, digits: str, international: bool) -> RecognisedNumber | None:
        """Recognise a number of this country from its ASCII digits, which may begin with the
        country code or with a prefix such as 0.

        `international` says whether a plus sign came before the digits. The result None does not
        mean that the number is invalid: libphonenumber may still recognise it.
        """
        code = self.calling_code
        national = digits
        if international:
            if not digits.startswith(code):
                return None
            national = digits[len(code) :]
        elif digits.startswith(code):
            # 447700900123 has lost its plus sign, unless it is also a number within the country.
            if self.general.fullmatch(digits):
                return None
            national = digits[len(code) :]
        elif self.international_prefix is not None and self.international_prefix.match(digits):
            return None
        prefix = self.national_prefix and self.national_prefix.match(national)
        if prefix:
            if national is not digits and not self.main_for_code:
                return None  # +1 1 310 1234: libphonenumber reads another country's prefix
            national = national[prefix.end() :]
            if self.national_prefix and self.national_prefix.match(national):
                return None
        kind = self.kind_of(national)
        return None if kind is None else RecognisedNumber(f"+{code}{national}", kind)


@cache  # at most one for each of the world's 245 regions
def plan_of_country(country: str) -> NumberingPlan | None:
    """Return the numbering plan of a country (an ISO 3166-1 alpha-2 code), or None if the country's
    rules are too complex for a plan.

    Countries whose national prefix has a carrier code or a rewriting rule (Brazil, Argentina) have
    no plan, and libphonenumber reads all their numbers. Raises ValueError for a country that
    libphonenumber does not know.
    """
    if country not in SUPPORTED_REGIONS:
        raise ValueError(f"{country!r} is not an ISO country code that has telephone numbers")
    metadata = PhoneMetadata.metadata_for_region(country)
    if metadata is None or metadata.country_code is None or metadata.national_prefix_transform_rule:
        return None
    prefix = _compile(metadata.national_prefix_for_parsing)
    general_desc = metadata.general_desc
    general = _compile(general_desc.national_number_pattern) if general_desc else None
    if general_desc is None or general is None or (prefix is not None and prefix.groups):
        return None
    patterns, kinds, lengths = [], [], []
    for name, kind in _KINDS:
        desc = getattr(metadata, name)
        if desc is None or not desc.national_number_pattern:
            continue
        patterns.append(f"({desc.national_number_pattern})")
        kinds.append(kind)
        lengths.append(frozenset(desc.possible_length or general_desc.possible_length))
    combined = re.compile(rf"(?=(?:{general.pattern})\Z)(?:{'|'.join(patterns)})", re.ASCII)
    # If a pattern had groups itself, our groups would get other numbers.
    if combined.groups != len(kinds):
        return None
    return NumberingPlan(
        country=country,
        calling_code=str(metadata.country_code),
        main_for_code=COUNTRY_CODE_TO_REGION_CODE[metadata.country_code][0] == country,
        national_prefix=prefix,
        international_prefix=_compile(metadata.international_prefix),
        general=general,
        kinds=combined,
        kind_of_group=tuple(kinds),
        lengths_of_group=tuple(lengths),
    )


def calling_code_of(e164: str) -> str | None:
    """Return the country calling code of an E.164 number ("44", "1", "353"). Return None if the
    text is not a plus sign and digits, or if its first digits are not a calling code."""
    if not (e164[:1] == "+" and e164.isascii() and e164[1:].isdigit()):
        return None
    for end in (2, 3, 4):
        code = e164[1:end]
        if int(code) in COUNTRY_CODE_TO_REGION_CODE:
            return code
    return None


@cache  # at most one for each of the 215 calling codes
def plan_of_calling_code(code: str) -> NumberingPlan | None:
    """Return the numbering plan of the main country that has this calling code: "44" gives the plan
    of GB. Return None if that country has no plan. Raises KeyError if no country has this code."""
    country = COUNTRY_CODE_TO_REGION_CODE[int(code)][0]
    return plan_of_country(country) if country in SUPPORTED_REGIONS else None


def _compile(pattern: str | None) -> re.Pattern[str] | None:
    return re.compile(pattern, re.ASCII) if pattern else None
