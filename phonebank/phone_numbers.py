"""Text from a spreadsheet → a telephone number in E.164, or a named reason for refusing it.

Pure: no database, no web. What a number means comes from libphonenumber; this module decides what
people type around numbers, which valid numbers we still never ring, and which invented numbers a
demonstration may use.
"""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
)
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

from phonebank.numbering_plans import (
    calling_code_of,
    plan_of_calling_code,
    plan_of_country,
)

# What a contact keeps of the cell its number came from; a longer cell is prose, not a number.
LONGEST_CELL = 120  # characters

REASONS = {
    "empty": "There is no number here.",
    "not_a_number": "This is not a phone number.",
    "scientific_notation": (
        "The spreadsheet has rounded this number and its last digits are gone. Format the column "
        "as text in the original and save it as CSV again."
    ),
    "too_short": "This number has too few digits: the area code or a digit is missing.",
    "too_long": "This number has too many digits, or two numbers run together.",
    "unknown_calling_code": "No country has the code after the plus sign.",
    "invalid_for_country": (
        "No phone in {country} has a number like this: look for a wrong or missing digit. A number "
        "from abroad needs a plus sign and its country code."
    ),
    "premium_rate": "Calls to this number cost extra, so it is never rung.",
    "another_country": (
        "This number is in another country, where other hours and rules hold. Set up a campaign "
        "for that country and upload it there."
    ),
    "somebodys_number": (
        "This may be somebody's number. The demonstration, which rings at any hour, takes only "
        "numbers that nobody has, such as 020 7946 0000 to 0999. For people, set up a campaign."
    ),
}

_COSTS_EXTRA = frozenset({PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST})

# What people put between digits: all of it means nothing. Includes the invisible direction marks
# that a number copied from a phone's address book carries.
_PUNCTUATION = " \t\xa0\u202f\u2007()[]-.='\"\u2019\u2010\u2011\u2012\u2013\u2014\u2212"
_INVISIBLE = "\ufeff\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2069"
_DROP_PUNCTUATION = dict.fromkeys(map(ord, _PUNCTUATION + _INVISIBLE))
_DROP_INVISIBLE = dict.fromkeys(map(ord, _INVISIBLE))

_DECIMAL_TAIL = re.compile(r"(\+?[0-9]{6,})[.,]0{1,2}")
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]{1,3}")
_EXTENSION = re.compile(
    r"[\s,;]*(?:;ext=|\bext(?:ension|n)?\b|(?<![a-z])x|#)[\s.:]*[0-9]{1,7}\W*$", re.IGNORECASE
)
# Germans write the area code before a slash: "030/1234567" is one number.
_AREA_CODE_SLASH = re.compile(r"(^|(?<=[^0-9 ()+]))([ (+]*[0-9](?:[ ()]*[0-9]){1,5}[ )]*)/")
_BETWEEN_NUMBERS = re.compile(
    r"[;,/|&\r\n]|\s(?=\+)|(?<=[0-9]{9})\s+(?=[0-9]{9})|\b(?:or|and|oder|und|ou|et|neu)\b",
    re.IGNORECASE,
)


class NumberRefused(ValueError):
    """A text that is not a number we can ring.

    `reason` is a key of REASONS; `message` is for people and never quotes the number, so that it
    may stand in a log.
    """

    def __init__(self, reason: str, country: str = "") -> None:
        self.reason = reason
        self.message = REASONS[reason].format(country=country)
        super().__init__(self.message)


def read_number(text: str, country: str, allow_drama: bool = False) -> str:
    """The one number in `text`, as E.164 ("+442079460123").

    `country` is the ISO 3166-1 alpha-2 code of the list: numbers without a country code are read
    as dialled there. Numbers of other countries are taken when they are written with theirs. An
    extension ("ext 12") is dropped, for E.164 has none; keep the text beside the number.

    Raises NumberRefused; ValueError for a `country` that is none.
    """
    text = text.strip()
    found = _recognised_at_once(text, country, allow_drama)
    return found if found else _read_with_libphonenumber(text, country, allow_drama)


def read_numbers(cell: str, country: str, allow_drama: bool = False) -> list[str]:
    """Every number in a spreadsheet's cell, as E.164, each once, in the order written; never empty.

    "07700 900123 / 020 7946 0123" holds two, so do "a or b", "a; b" and "a, b". What cannot be
    read beside one that can is dropped; where nothing can be read the first fault is raised.

    Raises NumberRefused; ValueError for a `country` that is none.
    """
    cell = cell.strip()
    if len(cell) > LONGEST_CELL:
        raise NumberRefused("too_long")
    found = _recognised_at_once(cell, country, allow_drama)
    if found:
        return [found]
    numbers: list[str] = []
    fault: NumberRefused | None = None
    for piece in _pieces(cell):
        try:
            number = read_number(piece, country, allow_drama)
        except NumberRefused as refused:
            fault = fault or refused
        else:
            if number not in numbers:
                numbers.append(number)
    if not numbers:
        raise fault or NumberRefused("empty")
    return numbers


def is_of_country(e164: str, country: str) -> bool:
    """Whether an E.164 number has the calling code of this country.

    +1 is one code for the United States, Canada and others: between those it cannot tell.
    """
    return e164.startswith(f"+{phonenumbers.country_code_for_region(country)}")


def is_drama_number(e164: str) -> bool:
    """Whether nobody can have this number, because it is kept for fiction.

    United Kingdom: Ofcom, "Telephone numbers for use in TV and radio drama programmes", a thousand
    numbers in each range: (0113|0114|0115|0116|0117|0118|0121|0131|0141|0151|0161) 496 0000-0999,
    020 7946 0000-0999, 0191 498 0000-0999, 028 9018 0000-0999, 029 2018 0000-0999,
    01632 960000-960999, 07700 900000-900999, 08081 570000-570999, 0909 879 0000-0999,
    03069 990000-990999.
    North America: line numbers 555-0100 to 555-0199 of every area code (North American Numbering
    Plan Administration, 555 assignment guidelines).
    """
    return _DRAMA.fullmatch(e164) is not None


_DRAMA = re.compile(
    r"\+44(?:(?:11[3-8]|121|131|141|151|161)4960|2079460|1914980|2890180|2920180"
    r"|1632960|7700900|8081570|9098790|3069990)[0-9]{3}"
    r"|\+1[2-9][0-9]{2}55501[0-9]{2}",
    re.ASCII,
)


def time_zones_of(e164: str) -> tuple[str, ...]:
    """Every IANA time zone the owner of a number may be in, sorted; empty where nothing is known.

    A landline gives its area's zones and a North American number its area code's. A mobile
    elsewhere gives all of its country's, for its first digits say nothing of where the phone is:
    0412 in Australia is Sydney by its prefix and may well be in Perth.
    """
    code = calling_code_of(e164)
    if code is None or code not in TIMEZONE_DATA:
        return ()
    of_country = TIMEZONE_DATA[code]
    if len(of_country) == 1:
        return tuple(of_country)
    if code != "1" and not phonenumbers.is_number_type_geographical(
        _kind_of(e164, code), int(code)
    ):
        return tuple(of_country)
    return _zones_of_longest_prefix(e164)


def pretty(e164: str, country: str) -> str:
    """A number for people to read: as dialled in `country` if it is of there, else with its +code.

    Text that is no E.164 number comes back as it is: a page must show something.
    """
    try:
        number = phonenumbers.parse(e164, None)
    except NumberParseException:
        return e164
    if number.country_code == phonenumbers.country_code_for_region(country):
        return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


def _recognised_at_once(text: str, country: str, allow_drama: bool) -> str | None:
    """The number, where the text is nothing but a plain one of the country; None for "not sure".

    Raises NumberRefused for a plain premium rate number.
    """
    if text[-2:] == ".0" or text[-3:] == ".00":
        whole = _DECIMAL_TAIL.fullmatch(text)
        text = whole[1] if whole else text
    digits = text.translate(_DROP_PUNCTUATION)
    international = digits[:1] == "+"
    if international:
        digits = digits[1:]
    if not (digits.isascii() and digits.isdigit()):
        return None
    plan = plan_of_country(country)
    if plan is None:
        return None
    found = plan.recognise(digits, international)
    if found is None:
        return _drama_number_in(digits, plan.calling_code, international) if allow_drama else None
    if found.kind in _COSTS_EXTRA:
        raise NumberRefused("premium_rate")
    return found.e164


def _drama_number_in(digits: str, calling_code: str, international: bool) -> str | None:
    """A number for fiction that libphonenumber calls invalid, spelt in the usual ways."""
    if international or digits.startswith(calling_code):
        candidate = "+" + digits
    else:
        candidate = f"+{calling_code}{digits.removeprefix('0')}"
    return candidate if is_drama_number(candidate) else None


def _read_with_libphonenumber(text: str, country: str, allow_drama: bool) -> str:
    number = _parsed(_without_words(text), country)
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    kind = phonenumbers.number_type(number)
    if kind in _COSTS_EXTRA:
        raise NumberRefused("premium_rate")
    if kind != PhoneNumberType.UNKNOWN or (allow_drama and is_drama_number(e164)):
        return e164
    raise NumberRefused(_why_invalid(number), country)


def _without_words(text: str) -> str:
    """The text with what is said around the number taken off: "Mob: 07700 900123 (home) x12"."""
    text = unicodedata.normalize("NFKC", text.translate(_DROP_INVISIBLE)).strip()
    if not any(c.isalnum() for c in text):
        raise NumberRefused("empty")
    if len(text) > LONGEST_CELL:
        raise NumberRefused("too_long")
    if _SCIENTIFIC.fullmatch(text):
        raise NumberRefused("scientific_notation")
    decimal = _DECIMAL_TAIL.fullmatch(text)
    if decimal:
        return decimal[1]
    text = _EXTENSION.sub("", text)
    first_digit = next((at for at, c in enumerate(text) if c.isdecimal()), None)
    if first_digit is None:
        raise NumberRefused("not_a_number")
    end = next((at for at in range(first_digit, len(text)) if text[at].isalpha()), len(text))
    # libphonenumber would spell letters on the keypad: "07700 900123 home" is no number of 15
    # digits, and "12 High Street 4" none at all.
    if any(c.isdecimal() for c in text[end:]):
        raise NumberRefused("not_a_number")
    return text[:end]


def _parsed(text: str, country: str) -> PhoneNumber:
    try:
        return phonenumbers.parse(text, country)
    except NumberParseException as error:
        raise NumberRefused(_REASON_OF_PARSE_ERROR[error.error_type]) from None


_REASON_OF_PARSE_ERROR = {
    NumberParseException.INVALID_COUNTRY_CODE: "unknown_calling_code",
    NumberParseException.NOT_A_NUMBER: "not_a_number",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too_short",
    NumberParseException.TOO_SHORT_NSN: "too_short",
    NumberParseException.TOO_LONG: "too_long",
}


def _why_invalid(number: PhoneNumber) -> str:
    match phonenumbers.is_possible_number_with_reason(number):
        case ValidationResult.TOO_LONG:
            return "too_long"
        case ValidationResult.IS_POSSIBLE:
            return "invalid_for_country"
        case ValidationResult.INVALID_COUNTRY_CODE:
            return "unknown_calling_code"
        case _:  # too short, local without its area code, or between two possible lengths
            return "too_short"


def _pieces(cell: str) -> list[str]:
    """The cell cut where people write "and another number"; never empty."""
    if _SCIENTIFIC.fullmatch(cell) or _DECIMAL_TAIL.fullmatch(cell):
        return [cell]  # a comma there is a decimal point
    cuts = _BETWEEN_NUMBERS.split(_AREA_CODE_SLASH.sub(r"\2 ", cell))
    first, *others = [cut.strip() for cut in cuts if cut.strip()] or [cell]
    if first.startswith("0"):
        # "030 123456/234567" means 030 234567. Read by itself the tail would be somebody else's
        # number in a country where numbers are of any length, so it is left out.
        others = [other for other in others if not other[0].isdecimal() or other[0] == "0"]
    return [first, *others]


def _kind_of(e164: str, code: str) -> int:
    plan = plan_of_calling_code(code)
    kind = plan.kind_of(e164[1 + len(code) :]) if plan else None
    if kind is not None:
        return kind
    if is_drama_number(e164):
        return PhoneNumberType.UNKNOWN
    # Another country under the same code (Jersey under 44), or no valid number at all.
    try:
        return phonenumbers.number_type(phonenumbers.parse(e164, None))
    except NumberParseException:
        return PhoneNumberType.UNKNOWN


def _zones_of_longest_prefix(e164: str) -> tuple[str, ...]:
    for end in range(TIMEZONE_LONGEST_PREFIX + 1, 1, -1):
        zones = TIMEZONE_DATA.get(e164[1:end])
        if zones is not None:
            return tuple(zones)
    return ()
