"""Tidies single cells of a list: text, postcodes, IDs, languages and e-mail addresses.

In a column of languages, the name of a language becomes a code, and any other text becomes "". In a
column of e-mail addresses, text that cannot be an address becomes "". All other cells are changed
as little as possible: extra spaces are removed, and so are invisible characters that no name needs.
Other modules read names and time zones.
"""

import re
from functools import lru_cache

# Invisible characters that names in Persian and Hindi need.
_JOINERS = "\u200c\u200d"


def words(text: str) -> frozenset[str]:
    """Return the words of a text, as a set."""
    return frozenset(text.split())


_LANGUAGES = {
    "english": "en", "saesneg": "en", "ingles": "en", "inglés": "en", "englisch": "en",
    "anglais": "en", "welsh": "cy", "cymraeg": "cy", "galés": "cy", "walisisch": "cy",
    "gallois": "cy", "spanish": "es", "español": "es", "espanol": "es", "sbaeneg": "es",
    "spanisch": "es", "espagnol": "es", "german": "de", "deutsch": "de", "almaeneg": "de",
    "alemán": "de", "allemand": "de", "french": "fr", "français": "fr", "francais": "fr",
    "ffrangeg": "fr", "francés": "fr", "französisch": "fr", "polish": "pl", "polski": "pl",
    "portuguese": "pt", "português": "pt", "italian": "it", "italiano": "it", "urdu": "ur",
    "punjabi": "pa", "bengali": "bn", "gujarati": "gu", "hindi": "hi", "arabic": "ar",
    "somali": "so", "romanian": "ro", "turkish": "tr", "chinese": "zh", "mandarin": "zh",
    "cantonese": "yue", "vietnamese": "vi", "tagalog": "tl", "korean": "ko", "russian": "ru",
    "eng": "en", "cym": "cy", "wel": "cy", "spa": "es", "deu": "de", "ger": "de", "fra": "fr",
    "fre": "fr", "irish": "ga", "gaeilge": "ga", "scottish gaelic": "gd",
}  # fmt: skip


# The codes of ISO 639-1, and the code of Cantonese, which ISO 639-1 does not have.
_LANGUAGE_CODES = words(
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu "
    "cv cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi "
    "ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks "
    "ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl "
    "nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl "
    "sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve "
    "vi vo wa wo xh yi yo za zh zu yue"
)


def tidy(text: str) -> str:
    """Return a text as one line, without control characters, invisible characters and extra spaces.
    Two invisible characters stay, because names in Persian and Hindi need them.

    The result has no null characters and no lone surrogates, so PostgreSQL can store it.
    """
    if not text.isprintable():
        text = "".join(
            c if c.isprintable() or c in _JOINERS else " " if c.isspace() else "" for c in text
        )
    elif " " not in text:  # most cells: a plain space is the only white space that is printable
        return text
    return " ".join(text.split())


@lru_cache(maxsize=65_536)  # a street's people have the same postcode
def tidy_postcode(text: str, country: str) -> str:
    """Tidy a postcode, and make it upper case. If `country` is "GB", restore the space of a
    postcode that lacks it. If `country` is "US", restore the leading zeros of a ZIP code, and
    remove a ".0" that a spreadsheet has added."""
    code = tidy(text).upper()
    if country == "US":
        zip_code = re.fullmatch(r"([0-9]{3,5})(-[0-9]{4})?(?:\.0)?", code)
        return zip_code[1].zfill(5) + (zip_code[2] or "") if zip_code else code
    british = re.fullmatch(r"([A-Z]{1,2}[0-9][A-Z0-9]?)([0-9][A-Z]{2})", code)
    return f"{british[1]} {british[2]}" if british and country == "GB" else code


def tidy_identifier(text: str) -> str:
    """Tidy an ID from the campaign's own database. If the ID ends with a digit and ".0", remove the
    ".0", because spreadsheets add it to numbers."""
    identifier = tidy(text)
    return re.sub(r"(?<=[0-9])\.0+$", "", identifier) if "." in identifier else identifier


def tidy_email(text: str) -> str:
    """Tidy an e-mail address, and remove "mailto:" before it. Return "" for text that is plainly
    not an address."""
    address = tidy(text).removeprefix("mailto:")
    name, _, host = address.partition("@")
    plausible = name and "." in host.strip(".") and "@" not in host and " " not in address
    return address if plausible else ""


@lru_cache(maxsize=1024)
def language_code_of(text: str) -> str:
    """Return the ISO 639 code of a language ("cy" for "Cymraeg"), or "" if the language is unknown.

    "en-GB" gives "en". An invented code counts as unknown. A contact with such a code would never
    be called, because no caller chooses a language with that code.
    """
    word = tidy(text).casefold()
    code = re.split(r"[-_]", word)[0]
    return code if code in _LANGUAGE_CODES else _LANGUAGES.get(word, "")
