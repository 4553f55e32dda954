"""Removes the text around telephone numbers, and splits cells with several numbers.

If it is unclear which number a part of a cell means, no number is read from that part. If no number
is left, the row of the list is refused, and an organiser can correct the row. A wrongly guessed
number, such as half of one number joined to other digits, could be a stranger's.
"""

import re
import sys
import unicodedata
from functools import cache

from phonenumbers.phonemetadata import PhoneMetadata

# Spaces, brackets, dashes and quotation marks have no meaning between digits.
_PUNCTUATION = " \t()[]-.='\"\u2019\u2010\u2011\u2012\u2013\u2014\u2212"
# Invisible characters have no meaning either. They are direction marks from a phone's address book,
# joiners, the Mongolian vowel separator, variation selectors, and the fillers of Hangul and
# Braille. Line breaks are not among them, because they may separate two numbers.
_BEYOND_FORMAT = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0" + "".join(
    chr(code) for code in (*range(0xFE00, 0xFE10), *range(0x180B, 0x1810))
)
_EVERY_BMP_CHARACTER = [chr(code) for code in range(sys.maxunicode // 17 + 1)]
_INVISIBLE = _BEYOND_FORMAT + "".join(
    c for c in _EVERY_BMP_CHARACTER if unicodedata.category(c) == "Cf"
)
_SPACES = "".join(c for c in _EVERY_BMP_CHARACTER if unicodedata.category(c) == "Zs")

DROP_PUNCTUATION = dict.fromkeys(map(ord, _PUNCTUATION + _SPACES + _INVISIBLE))
_PLAINER = {ord(c): " " for c in _SPACES} | dict.fromkeys(map(ord, _INVISIBLE))

DECIMAL_TAIL = re.compile(r"(\+?[0-9]{6,})[.,]0{1,2}")
SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]{1,3}")

_EXTENSION = re.compile(
    r"[\s,;]*(?:;ext=|\b(?:ext(?:ension|ensión|n)?|durchwahl|dw|nebenstelle|app|apparat|poste|p"
    r"|int|interno|estensione|estyniad)(?![^\W\d_])"
    r"|(?<![^\W\d_])x|#)[\s.:]*[0-9]{1,7}\W*$",
    re.IGNORECASE,
)

# This replaces a note, so that the numbers before and after it stay two numbers.
_CUT = " ; "

# Letters that people type for a digit: O and o for 0, l and I for 1, S for 5, Z for 2, B for 8.
_LOOK_LIKE_DIGITS = frozenset("OoQDIiLlSsZzBbGgqT")

_BRACKETED = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]|\{([^{}]*)\}")
_WORD = re.compile(r"[^\W\d_]{2,}")
_MOST_DIGITS_IN_A_NOTE = 6

_HOUR = r"(?:[01]?[0-9]|2[0-4])(?:[:.h][0-5][0-9])?"
_OF_THE_CLOCK = (
    r"(?:a\.?m\b\.?|p\.?m\b\.?|h(?:rs?|ours?)?\b|uhr\b|o['’]?clock\b|heures?\b|horas?\b)"
)
_TO = r"\s*(?:-|–|—|/|to|till?|until|and|bis|und|à|a|et|y|i)\s*"
_NOT_WITHIN_A_NUMBER = r"(?<![0-9])(?<![0-9][-.:/])"
_NO_NUMBER_FOLLOWS = r"(?![0-9])(?![-.() ]*[0-9])"
_BEFORE_A_TIME = (
    r"(?:after|before|from|until|till?|between|by|past|at|about|around|call|ring|best|only|not"
    r"|mornings?|afternoons?|evenings?|eves?|nights?|days?|daytime|weekdays?|weekends?"
    r"|mon|tues?|wed|thu(?:rs?)?|fri|sat|sun|(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
    r"|ab|nach|vor|bis|von|um|zwischen|gegen|abends|morgens|mittags|nachmittags|werktags"
    r"|mo|di|mi|do|fr|sa|so"
    r"|après|apres|avant|dès|entre|vers|jusqu['’]?à|de|lun|mar|mer|jeu|ven|sam|dim"
    r"|después|despues|antes|desde|hasta|partir|ar ôl|ar ol|cyn|tan)"
)
_TIMES = re.compile(
    # This matches "after 6", "evenings 6-8", "ab 18.00 Uhr" and "not before 1800".
    rf"\b{_BEFORE_A_TIME}\b[\s.:,]*(?:(?:de|las|la|les|about|at|ca\.?)\s+)*"
    rf"(?:{_HOUR}|[0-2][0-9][0-5][0-9])\s*(?:{_OF_THE_CLOCK})?"
    rf"(?:{_TO}{_HOUR}\s*(?:{_OF_THE_CLOCK})?)?{_NO_NUMBER_FOLLOWS}"
    # This matches "6pm", "18:00", "6-8pm", "18h30" and "18 Uhr".
    rf"|{_NOT_WITHIN_A_NUMBER}{_HOUR}(?:{_TO}{_HOUR})?\s?{_OF_THE_CLOCK}"
    rf"|{_NOT_WITHIN_A_NUMBER}\b(?:[01]?[0-9]|2[0-4])[:h][0-5][0-9]"
    rf"(?:{_TO}{_HOUR})?{_NO_NUMBER_FOLLOWS}",
    re.IGNORECASE,
)
_PLACES_AND_RANKS = re.compile(
    # This matches "flat 2", "room 12" and "press 1", and the ranks "1st", "2nd" and "2e".
    r"\b(?:flat|apt|apartment|room|unit|floor|option|press|line|desk|house|number|no|nr|zimmer"
    r"|wohnung|etage|piso|puerta|appt?|étage|fflat)\b\.?\s*"
    rf"[0-9]{{1,4}}[a-z]?\b{_NO_NUMBER_FOLLOWS}"
    rf"|{_NOT_WITHIN_A_NUMBER}\b(?:1st|2nd|3rd|[4-9]th|1er|1ère|2e|2ème|1[ºª]|2[ºª]|1af|2il)\b",
    re.IGNORECASE,
)

# Germans write a slash after the area code: "030/1234567" is one number. A slash separates two
# numbers if an area code or country code follows it, or if other digits come before the area code.
_AREA_CODE_SLASH = re.compile(r"([ (+]*[0-9](?:[ ()]*[0-9]){1,5}[ )]*)/(?!\s*\(?[0+])")
_BETWEEN_NUMBERS = re.compile(
    r":::|[;,/\\|¦•→&\r\n]|\s(?=\+)|(?<=[0-9]{9})\s+(?=[0-9]{9})"
    r"|\b(?:or|and|oder|und|bzw|ou|et|neu)\b",
    re.IGNORECASE,
)
# This matches from the first letter after a digit to the last letter before the next digit.
_LABEL = re.compile(r"(?<=[0-9)\] ])[^\W\d_](?:[^0-9(+]*[^\W\d_])?[^0-9(+]*(?=[(+]*[0-9])")
_FEWEST_DIGITS = 7  # A whole number between two labels has at least this many digits.

# Words beside a number that say that it is another person's or no longer in use.
_NOT_THEIRS = re.compile(
    r"\b(?:wife|husband|hubby|mum|mummy|mom|mother|dad|father|parents?"
    r"|son(?! (?:portable|fixe|num|t[eé]l))|daughter|sister|brother"
    r"|aunt|uncle|grandmother|grandfather|gran|grandma|grandad|spouse|partner|girlfriend|boyfriend"
    r"|neighbou?r|friend|flatmate|housemate|roommate|carer|caregiver|assistant|secretary|landlord"
    r"|landlady|employer|emergency|next of kin|old|former|formerly|previous|previously"
    r"|was(?=[ :(+]*[0-9])"
    r"|(?:not|no longer|instead of|rather than|nicht|nicht mehr|statt|anstatt|plus le|pas le|ya no"
    r"|en vez de|nid|yn lle)(?=[ :(+]*[0-9](?:[ ()/-]*[0-9]){6})"
    r"|ehefrau|ehemann|gattin|gatte|mutter|vater|eltern|sohn|tochter|schwester|bruder|nachbar(?:in)?"
    r"|freund(?:in)?|sekretariat|sekretärin|assistent(?:in)?|notfall|alte|früher|ehemals"
    r"|conjoint|conjointe|épouse|époux|mari|femme|mère|père|fille|fils|sœur|soeur|frère|voisine?"
    r"|assistante|secrétaire|urgence|ancien|ancienne"
    r"|esposa|esposo|marido|mujer|madre|padre|hijo|hija|hermano|hermana|vecin[oa]|secretari[oa]"
    r"|emergencia|antiguo|anterior"
    r"|gwraig|gŵr|mam|tad|merch|mab|chwaer|brawd|cymydog|ysgrifennydd|argyfwng|hen rif)"
    r"(?:['’]?s)?\b",
    re.IGNORECASE,
)
_FAX = r"(?:tele)?(?:fax|ffacs|télécopie)"
# This matches a fax number after the word: "Tel.: … Fax: …".
_A_FAX = re.compile(rf"\b{_FAX}\b[\s.:#]*-?[+0-9(][0-9 ().-]*(?:/[0-9 -]+)?", re.IGNORECASE)
_IS_A_FAX = re.compile(rf"\b{_FAX}\b", re.IGNORECASE)


def normalise_text(text: str) -> str:
    """Return a text with plain characters.

    Digits of any writing system become 0 to 9, every kind of space becomes an ordinary space, and
    invisible characters are removed.
    """
    plain = unicodedata.normalize("NFKC", text.translate(_PLAINER)).translate(_PLAINER)
    return "".join(
        str(unicodedata.decimal(c)) if c.isdecimal() and c > "9" else c for c in plain
    ).strip()


def strip_notes(text: str) -> str:
    """Remove notes beside a number, such as "(home)", "after 6pm" or "flat 2", including the digits
    in the notes.

    A semicolon replaces each note, so that the numbers before and after the note stay separate. If
    a note in brackets is an extension, only the brackets are removed. `text` is the result of
    `normalise_text`.
    """
    text = _BRACKETED.sub(_cut_note, text)
    text = _TIMES.sub(_CUT, text)
    return _PLACES_AND_RANKS.sub(_CUT, text).strip(" ;")


def strip_others(text: str) -> str:
    """Remove other people's numbers, fax numbers and numbers no longer in use, as in "husband 07700
    900123".

    `text` is the result of `normalise_text`. A fax number after the word "fax" is removed together
    with this word. Any other number of these kinds is removed with all the text up to the
    separators around it. If there are no digits between the same two separators as a word such as
    "husband", nobody knows which number the word describes. In that case, the result is an empty
    text.
    """
    text = _A_FAX.sub(_CUT, text)
    if not (_NOT_THEIRS.search(text) or _IS_A_FAX.search(text)):
        return text
    parts = _BETWEEN_NUMBERS.split(text)
    others = [part for part in parts if _NOT_THEIRS.search(part) or _IS_A_FAX.search(part)]
    if not all(any(c.isdecimal() for c in part) for part in others):
        return ""
    return _CUT.join(part for part in parts if part not in others)


def strip_extension(text: str) -> str:
    """Remove "ext 12", "x12", "Durchwahl 12" or "#12" from the end of a text."""
    return _EXTENSION.sub("", text)


def has_letter_for_digit(text: str) -> bool:
    """Whether letters in the text seem to stand for digits.

    Letters count in each of these cases:

    - one or more letters are directly between two digits
    - a single letter is directly beside a digit, as in "O20 7946"
    - letters that all look like digits are directly beside a digit
    - one or two letters that look like digits come anywhere after a digit, and no colon or closing
      bracket follows the letters

    Any other word directly before or after the digits, as in "Tel020…", does not count.
    """
    for letters in re.finditer(r"[^\W\d_]+", text):
        before = text[letters.start() - 1 : letters.start()].isdecimal()
        after = text[letters.end() : letters.end() + 1].isdecimal()
        look_alike = _LOOK_LIKE_DIGITS.issuperset(letters[0])
        if before and after:
            return True
        if (before or after) and (len(letters[0]) == 1 or look_alike):
            return True
        within = any(c.isdecimal() for c in text[: letters.start()])
        named = text[letters.end() : letters.end() + 1] in (":", ")")
        if within and not named and len(letters[0]) < 3 and look_alike:
            return True
    return False


def split_numbers(cell: str, country: str) -> list[str]:
    """Split a cell into its numbers. The result always has at least one part.

    In "030 123456/234567", the second number is written without its area code, and means 030
    234567. In countries where people dial a 0 before the area code, a later number in the cell is
    left out if it seems to have no area code (see `_has_area_code`). With a wrong area code, this
    number could be another person's.
    """
    if SCIENTIFIC.fullmatch(cell) or DECIMAL_TAIL.fullmatch(cell):
        return [cell]  # this comma is a decimal point
    cuts = _BETWEEN_NUMBERS.split(_AREA_CODE_SLASH.sub(_join_area_code, cell))
    found = [piece for cut in cuts for piece in _split_at_labels(cut.strip()) if piece]
    numbered = [piece for piece in found if any(c.isdecimal() for c in piece)]
    if len(numbered) > 1:
        first = numbered[0]
        return [first, *(p for p in numbered[1:] if _has_area_code(p, first, country))]
    return numbered or found or [cell]


def _cut_note(note: re.Match[str]) -> str:
    """Return the text that replaces a bracketed note: " ; ", or the note's own words if they are an
    extension. Brackets around part of a number stay as they are."""
    said = next(group for group in note.groups() if group is not None)
    digits = sum(c.isdecimal() for c in said)
    words = [word for word in _WORD.findall(said) if not _LOOK_LIKE_DIGITS.issuperset(word)]
    only_letters = digits == 0 and any(c.isalpha() for c in said)
    if only_letters or (digits <= _MOST_DIGITS_IN_A_NOTE and (words or _TIMES.search(said))):
        # Keep "(ext 12)", because it belongs to the number before it.
        return f" {said} " if _EXTENSION.fullmatch(said) else _CUT
    return note[0]


def _join_area_code(slash: re.Match[str]) -> str:
    """Replace the slash after an area code with a space, unless other digits come directly before
    the area code."""
    before = slash.string[: slash.start()].rstrip(" ()-.")
    within_a_number = before[-1:].isdecimal()
    return slash[0] if within_a_number else f"{slash[1]} "


def _split_at_labels(piece: str) -> list[str]:
    """Split a piece of a cell at the labels between numbers, as at the "m:" in "020 7946 0123 m:
    07700 900123".

    If a part has too few digits for a number, the piece is not split. `e164.read_number` then
    refuses the piece, unless that part is an extension.
    """
    parts = _LABEL.split(piece)
    enough = all(sum(c.isdecimal() for c in part) >= _FEWEST_DIGITS for part in parts)
    return [part.strip() for part in parts] if enough else [piece]


def _has_area_code(piece: str, first: str, country: str) -> bool:
    """Whether a number seems to include its area code. `piece` is the text of the number, and
    `first` is the text of the first number in the same cell. In countries where people dial no 0
    before the area code, the result is always true."""
    metadata = PhoneMetadata.metadata_for_region(country)
    if metadata is None or metadata.national_prefix != "0":
        # In North America and Spain a number without its area code is too short to be valid.
        return True
    if _has_prefix(piece):
        return True
    # Excel removes the leading 0 from both numbers. Then both have the same number of digits. This
    # proves something only in countries whose numbers all have about the same length.
    digits, of_first = (sum(c.isdecimal() for c in text) for text in (piece, first))
    return _has_one_length(country) and not _has_prefix(first) and digits == of_first


def _has_prefix(piece: str) -> bool:
    at = next(n for n, c in enumerate(piece) if c.isdecimal())
    return piece[at] == "0" or piece[:at].rstrip(" (").endswith("+")


@cache
def _has_one_length(country: str) -> bool:
    """Whether the lengths of the country's landline numbers, including the area code, differ by no
    more than one digit."""
    metadata = PhoneMetadata.metadata_for_region(country)
    lengths = metadata.fixed_line.possible_length if metadata and metadata.fixed_line else ()
    return bool(lengths) and max(lengths) - min(lengths) <= 1
