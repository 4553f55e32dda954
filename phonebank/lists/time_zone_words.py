"""Reads time zones as lists write them: names from the IANA database, and words such as "Eastern".
Pure functions.

In an American list, "EST" means the time on the east coast, where clocks go forward in summer. The
IANA database has a zone called EST whose clocks never go forward. If that zone were used, people
might be called up to an hour too late in the evening, from March to November.
"""

import re
from functools import cache, lru_cache

from phonebank.csv_input.cells import tidy
from phonebank.rules.time_zones import time_zone_names

# The words of each country → every zone there that they may mean. Arizona keeps Mountain Standard
# Time all year and Saskatchewan keeps Central Standard Time, so "MST" and "CST" in a list may mean
# them (IANA database, `northamerica`).
_Words = dict[str, tuple[str, ...]]
_AMERICAN: _Words = {
    "eastern est edt et est5edt eastcoast": ("America/New_York",),
    "central cst cdt ct cst6cdt": ("America/Chicago",),
    "mountain mst mt": ("America/Denver", "America/Phoenix"),
    "mdt mst7mdt": ("America/Denver",),
    "arizona": ("America/Phoenix",),
    "pacific pst pdt pt pst8pdt westcoast": ("America/Los_Angeles",),
    "alaska alaskan akst akdt akt": ("America/Anchorage",),
    "hawaii hawaiian hst ht hawaiialeutian": ("Pacific/Honolulu", "America/Adak"),
    "hdt aleutian": ("America/Adak",),
    "atlantic ast": ("America/Puerto_Rico",),
    "chamorro chst": ("Pacific/Guam",),
    "samoa": ("Pacific/Pago_Pago",),
}
_CANADIAN: _Words = {
    "newfoundland nst ndt nt": ("America/St_Johns",),
    "atlantic ast at": ("America/Halifax", "America/Blanc-Sablon"),
    "adt": ("America/Halifax",),
    "eastern est et": ("America/Toronto", "America/Atikokan"),
    "edt": ("America/Toronto",),
    "central cst ct": ("America/Winnipeg", "America/Regina"),
    "cdt": ("America/Winnipeg",),
    "saskatchewan canadacentral": ("America/Regina",),
    "mountain mst mt": ("America/Edmonton", "America/Creston", "America/Whitehorse"),
    "mdt": ("America/Edmonton",),
    "yukon yst": ("America/Whitehorse",),
    "pacific pst pdt pt": ("America/Vancouver",),
}
_BRITISH: _Words = {
    "gmt bst utc ut wet west greenwich greenwichmean british uk london gb": ("Europe/London",),
}
_IRISH: _Words = {"gmt ist utc ut wet west bst greenwich irish dublin": ("Europe/Dublin",)}
_GERMAN: _Words = {
    "cet cest met mest mez mesz mitteleuropaisch mitteleuropaische centraleuropean centraleurope"
    " berlin weurope westeurope": ("Europe/Berlin",)
}
_WORDS: dict[str, _Words] = {
    "US": _AMERICAN,
    "CA": _CANADIAN,
    "GB": _BRITISH,
    "IE": _IRISH,
    "DE": _GERMAN,
}

# These words may be beside any of the words above: "Eastern Standard Time", "Mountain (US &
# Canada)".
_NOISE = re.compile(
    r"\b(?:standard|daylight|savings?|summer|winter|local|time|zone|zeit|sommerzeit|normalzeit"
    r"|us|usa|canada|and|the)\b",
    re.IGNORECASE,
)
_IANA_NAME = re.compile(r"[A-Za-z]+(?:/[A-Za-z0-9_+-]+)+")


@lru_cache(maxsize=1024)
def read_time_zones(text: str, country: str) -> tuple[str, ...]:
    """Return every IANA time zone that a cell may mean in a list from `country` (ISO 3166-1
    alpha-2).

    The zones are sorted and spelled as in the IANA database. If the cell contains a full name with
    a place, such as "Europe/Paris", only that zone is returned, in a list from any country. In a
    cell without such a name, words such as "Standard Time" and offsets from UTC are ignored. If no
    other word is left, or if one of the other words does not mean a zone of `country`, the result
    is empty.
    """
    said = tidy(text)
    named = _find_iana_name(said)
    if named:
        return (named,)
    words = _words_of(country)
    # "GMT/BST" is two words for one clock, and so is "EST/EDT".
    parts = [_fold_word(part) for part in re.split(r"[/,;|()]", _NOISE.sub(" ", said))]
    meant = [words[part] for part in parts if part in words]
    if not meant or any(part and part not in words and not _is_offset(part) for part in parts):
        return ()
    return tuple(sorted(set().union(*meant)))


def _find_iana_name(said: str) -> str | None:
    """Find a zone name that contains a place, as in "(GMT-06:00) Central Time (America/Chicago)".

    Names without a place, such as EST, MST7MDT or Etc/GMT+5, are not returned. Such a name is
    either a zone in which nobody lives or a word whose meaning depends on the country.
    """
    for found in _IANA_NAME.finditer(said.replace(" ", "_") if "(" not in said else said):
        name = _names_with_a_place().get(found[0].casefold())
        if name:
            return name
    return None


def _is_offset(part: str) -> bool:
    """Whether a part of a cell is an offset from UTC, such as "GMT-05:00".

    Beside a word such as "Eastern", an offset says nothing new. Where clocks go forward in summer,
    it is also wrong for a part of the year.
    """
    return re.fullmatch(r"(?:gmt|utc)?[0-9]{1,4}", part) is not None


def _fold_word(part: str) -> str:
    return "".join(c for c in part.casefold().replace("ä", "a") if c.isalnum())


@cache
def _words_of(country: str) -> _Words:
    of_country = _WORDS.get(country, {})
    return {word: zones for words, zones in of_country.items() for word in words.split()}


@cache
def _names_with_a_place() -> dict[str, str]:
    return {
        name.casefold(): name
        for name in time_zone_names()
        if "/" in name and not name.startswith(("Etc/", "SystemV/"))
    }
