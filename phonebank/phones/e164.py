"""Reads telephone numbers from a text, such as a cell of a spreadsheet, and returns them in E.164
format. A text without a usable number is refused with a reason.

libphonenumber decides whether a number is valid, and of what kind it is. This module removes the
words that people write around numbers. It refuses numbers that cost extra to call, although these
numbers are valid. On request, this module also accepts drama numbers (reserved for fiction) that
libphonenumber does not accept.
"""

from __future__ import annotations

import re
import traceback

import phonenumbers
from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
)

from phonebank.phones.drama_numbers import is_drama_number
from phonebank.phones.number_text import (
    DECIMAL_TAIL,
    DROP_PUNCTUATION,
    SCIENTIFIC,
    has_letter_for_digit,
    normalise_text,
    split_numbers,
    strip_extension,
    strip_notes,
    strip_others,
)
from phonebank.phones.numbering_plans import calling_code_of, plan_of_country

# A contact stores this much of the original cell. A longer cell is prose, not a number.
LONGEST_CELL = 120  # characters

REASONS = {
    "empty": "There is no number here.",
    "not_a_number": "This is not a phone number.",
    "letter_for_digit": (
        "There is a letter among the digits, such as O for 0 or l for 1. Type the number again."
    ),
    "somebody_elses": (
        "The words beside this number say that it is someone else's, a fax or no longer used. "
        "If it is this person's own number, remove the words."
    ),
    "scientific_notation": (
        "The spreadsheet rounded this number, so its last digits are gone. Format the column as "
        "text in the original and save it as CSV again."
    ),
    "too_short": "This number has too few digits. The area code or a digit is missing.",
    "too_long": "This number has too many digits, or it is two numbers run together.",
    "unknown_calling_code": "No country has the code after the plus sign.",
    "invalid_for_country": (
        "This isn't a valid {country} number. Check for a wrong or missing digit. A number from "
        "another country needs a plus sign and its country code."
    ),
    "premium_rate": "Calls to this number cost extra, so nobody calls it.",
    "another_country": (
        "This number is in another country, which has its own calling hours and rules. Set up a "
        "campaign for that country and upload the number there."
    ),
    "somebodys_number": (
        "This may be a real person's number. The demonstration is open at any hour, so it takes "
        "only numbers that nobody has, such as 020 7946 0000 to 0999. To call real people, set "
        "up a campaign."
    ),
}

# Messages use these adjectives. They name any other country by its code.
_ADJECTIVES = {"GB": "UK", "IE": "Irish", "US": "US", "CA": "Canadian", "DE": "German"}

_COSTS_EXTRA = frozenset({PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST})


class InvalidPhoneNumberError(ValueError):
    """The error for a text without a number that callers may call.

    `reason` is a key of REASONS. `message` is for people. The message never quotes the number, so a
    log may contain the message.
    """

    def __init__(self, reason: str, country: str = "") -> None:
        self.reason = reason
        self.message = REASONS[reason].format(country=_ADJECTIVES.get(country, country))
        super().__init__(self.message)


def read_number(text: str, country: str, allow_drama: bool = False) -> str:
    """Return the one number in `text`, as E.164 ("+442079460123").

    `country` is the ISO 3166-1 alpha-2 code of the list's country. Numbers without a country code
    are read as people dial them in that country. Numbers of other countries need a country code. An
    extension ("ext 12") is dropped, because E.164 has no extensions. To keep the extension, the
    code that calls this function should store the text too. With `allow_drama`, all drama numbers
    are accepted. Without `allow_drama`, a drama number is accepted only if libphonenumber says that
    the number is valid.

    Raises InvalidPhoneNumberError unless the text contains exactly one usable number. For an
    unknown `country`, raises ValueError or its subclass InvalidPhoneNumberError.
    """
    text = _restore_plus(text.strip(), country)
    found = _recognise_plain_number(text, country, allow_drama)
    found = found or _read_with_libphonenumber(text, country, allow_drama)
    return _check_area_code(found, text, country)


def read_numbers(
    cell: str, country: str, allow_drama: bool = False, others_too: bool = False
) -> list[str]:
    """Return the different numbers in a cell, as E.164, in the order in which they appear. The
    returned list is never empty.

    "07700 900123 / 020 7946 0123" has two numbers. Numbers may also be separated by "or", ";" or
    ",". Notes beside a number are left out, and so are parts of the cell without a usable number.
    `allow_drama` means the same as for `read_number`.

    The words beside a number may say that the number belongs to another person or a fax machine, or
    is no longer in use. Such numbers are left out, unless `others_too` is true. A do-not-call list
    needs these numbers too, because such a list is about numbers and not about people.

    Raises InvalidPhoneNumberError if no number is left, or if the cell has more than LONGEST_CELL
    characters. For an unknown `country`, raises ValueError or its subclass InvalidPhoneNumberError.
    """
    cell = cell.strip()
    if len(cell) > LONGEST_CELL:
        raise InvalidPhoneNumberError("too_long")
    text = _restore_plus(cell, country)
    found = _recognise_plain_number(text, country, allow_drama)
    if found:
        return [_check_area_code(found, text, country)]
    numbers: list[str] = []
    fault: InvalidPhoneNumberError | None = None
    plain = normalise_text(cell)
    theirs = plain if others_too else strip_others(plain)
    if theirs != plain and not any(c.isdecimal() for c in theirs):
        raise InvalidPhoneNumberError("somebody_elses")
    for piece in split_numbers(strip_notes(theirs), country):
        try:
            number = read_number(piece, country, allow_drama)
        except InvalidPhoneNumberError as refused:
            fault = fault or refused
        else:
            if number not in numbers:
                numbers.append(number)
    try:
        if not numbers:
            raise fault or InvalidPhoneNumberError("empty")
        return numbers
    finally:
        # The error's traceback contains this function, so the two would keep each other.
        fault = None


def format_for_reading(e164: str, country: str) -> str:
    """Format a number for people to read. If the number has the calling code of `country`, the
    result is the number as people dial it in that country. Otherwise the result begins with a plus
    sign and the calling code.

    A text that is not a number is returned unchanged, because a page must show something.
    """
    if calling_code_of(e164) is None:
        return e164
    try:
        number = phonenumbers.parse(e164, None)
    except NumberParseException:
        return e164
    if number.country_code == phonenumbers.country_code_for_region(country):
        return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


def _recognise_plain_number(text: str, country: str, allow_drama: bool) -> str | None:
    """Read a text that has only digits and punctuation. If the country's numbering plan recognises
    the digits, return the number as E.164. With `allow_drama`, drama numbers of the country are
    recognised too. In all other cases return None, because libphonenumber may still find a number
    in the text.

    Raises InvalidPhoneNumberError if the number costs extra to call (premium rate or shared cost).
    """
    if text.endswith((".0", ".00")):
        whole = DECIMAL_TAIL.fullmatch(text)
        text = whole[1] if whole else text
    digits = text.replace(" ", "")
    if not digits.isdigit():
        digits = digits.translate(DROP_PUNCTUATION)
    international = digits.startswith("+")
    if international:
        digits = digits[1:]
    if not (digits.isascii() and digits.isdigit()):
        return None
    plan = plan_of_country(country)
    if plan is None:
        return None
    found = plan.recognise(digits, international)
    if found is None:
        return _find_drama_number(digits, plan.calling_code, international) if allow_drama else None
    if found.kind in _COSTS_EXTRA:
        raise InvalidPhoneNumberError("premium_rate")
    return found.e164


# Countries with numbers of many lengths, and the most digits of a number without its area code. In
# these countries, a number without its area code often belongs to a stranger, and so does a number
# whose plus sign a spreadsheet has removed. (Bundesnetzagentur, "Nummernplan Ortsnetzrufnummern":
# at most eight digits in old use; ComReg, "National Numbering Scheme": five to seven.)
_OF_ANY_LENGTH = {"DE": 8, "IE": 7}


# An example: "23125123 (030)".
_AREA_CODE_BEHIND = re.compile(r"[0-9]\W*\(\s*0[1-9][0-9]{0,4}\s*\)\W*$")


def _restore_plus(text: str, country: str) -> str:
    """On a list for Germany or Ireland, a number may have this country's code but no plus sign. If
    such a number is a mobile number, or has "(0)" after the country code as in "49 (0)30 1234567",
    return it as E.164. Return any other text unchanged.

    In Germany, for example, 491711234567 is the mobile number +49 171 1234567. Without the plus
    sign, the same digits could be read as a landline number with the area code 0491.
    """
    if country not in _OF_ANY_LENGTH:
        return text
    digits = text.translate(DROP_PUNCTUATION)
    if not (digits.isascii() and digits.isdigit()):
        return text
    plan = plan_of_country(country)
    if plan is None or not digits.startswith(plan.calling_code):
        return text
    rest = digits.removeprefix(plan.calling_code)
    mobile = plan.kind_of(rest) == PhoneNumberType.MOBILE
    trunk = re.match(rf"\W*{plan.calling_code}\W*\(\s*0\s*\)", text)
    return f"+{plan.calling_code}{rest.removeprefix('0')}" if mobile or trunk else text


def _check_area_code(e164: str, text: str, country: str) -> str:
    """Return the number `e164`, which was read from `text`.

    For Germany and Ireland, raises InvalidPhoneNumberError if `text` seems to have no area code,
    because the number could then be in any town. For these two countries, also raises
    InvalidPhoneNumberError if the area code is in brackets at the end of `text`.

    People in Ireland dial 048 before a number in Northern Ireland. In a number that begins with
    048, this function replaces 048 with +4428, which works from every country.
    """
    longest = _OF_ANY_LENGTH.get(country, 0)
    if longest:
        digits = "".join(c for c in text if c.isdecimal())
        in_full = "+" in text or digits.startswith("0")
        if len(digits) <= longest and not in_full and e164.endswith(digits):
            raise InvalidPhoneNumberError("too_short")
        if _AREA_CODE_BEHIND.search(text):
            raise InvalidPhoneNumberError("too_long")
    return "+4428" + e164[6:] if e164.startswith("+35348") and len(e164) == 14 else e164


def _find_drama_number(digits: str, calling_code: str, international: bool) -> str | None:
    """Return the drama number that these digits form, as E.164, or None if they form no drama
    number.

    This function is needed because libphonenumber treats some drama numbers as invalid, for example
    07700 900123.
    """
    if international or digits.startswith(calling_code):
        candidate = "+" + digits
    else:
        candidate = f"+{calling_code}{digits.removeprefix('0')}"
    return candidate if is_drama_number(candidate) else None


def _read_with_libphonenumber(text: str, country: str, allow_drama: bool) -> str:
    number = _parse(_strip_words(text), country)
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    kind = phonenumbers.number_type(number)
    if kind in _COSTS_EXTRA:
        raise InvalidPhoneNumberError("premium_rate")
    if kind != PhoneNumberType.UNKNOWN or (allow_drama and is_drama_number(e164)):
        return e164
    raise InvalidPhoneNumberError(_invalid_reason(number), country)


def _strip_words(text: str) -> str:
    """Remove the words around a number, as in "Mob: 07700 900123 (home) x12".

    Raises InvalidPhoneNumberError if the text is clearly not a single number. For example, the text
    may have no digits, a letter that stands for a digit, or a word between two digits.
    """
    text = normalise_text(text)
    if not any(c.isalnum() for c in text):
        raise InvalidPhoneNumberError("empty")
    if len(text) > LONGEST_CELL:
        raise InvalidPhoneNumberError("too_long")
    if SCIENTIFIC.fullmatch(text):
        raise InvalidPhoneNumberError("scientific_notation")
    decimal = DECIMAL_TAIL.fullmatch(text)
    if decimal:
        return decimal[1]
    text = strip_extension(strip_notes(text))
    first_digit = next((at for at, c in enumerate(text) if c.isdecimal()), None)
    if first_digit is None:
        raise InvalidPhoneNumberError("not_a_number")
    if has_letter_for_digit(text):
        raise InvalidPhoneNumberError("letter_for_digit")
    end = next((at for at in range(first_digit, len(text)) if text[at].isalpha()), len(text))
    # libphonenumber would read letters as keypad digits. But "07700 900123 home" is not a number of
    # 15 digits, and "12 High Street 4" is not a number.
    if any(c.isdecimal() for c in text[end:]):
        raise InvalidPhoneNumberError("not_a_number")
    return text[:end].rstrip(" ;")


def _parse(text: str, country: str) -> PhoneNumber:
    try:
        return phonenumbers.parse(text, country)
    except NumberParseException as error:
        # phonenumbers keeps its first error in a local variable of a function that is in the
        # error's traceback. Without this line, these two would keep each other, and all variables
        # of the functions that called them, until the garbage collector finds them.
        traceback.clear_frames(error.__traceback__)
        raise InvalidPhoneNumberError(_REASON_OF_PARSE_ERROR[error.error_type]) from None


_REASON_OF_PARSE_ERROR = {
    NumberParseException.INVALID_COUNTRY_CODE: "unknown_calling_code",
    NumberParseException.NOT_A_NUMBER: "not_a_number",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too_short",
    NumberParseException.TOO_SHORT_NSN: "too_short",
    NumberParseException.TOO_LONG: "too_long",
}


def _invalid_reason(number: PhoneNumber) -> str:
    match phonenumbers.is_possible_number_with_reason(number):
        case ValidationResult.TOO_LONG:
            return "too_long"
        case ValidationResult.IS_POSSIBLE:
            return "invalid_for_country"
        case ValidationResult.INVALID_COUNTRY_CODE:
            return "unknown_calling_code"
        case _:  # too short, without its area code, or between two possible lengths
            return "too_short"
