"""Finds notes such as "deceased" or "do not call" that a list has beside a number or a name. Pure
functions.

Such a note is called a note against calling. Notes against calling are recognised in five
languages. If a note beside a number says that the number is wrong, the number is left out. The row
is refused only if it has no other number. For any other note against calling, the row is refused,
and the organiser is shown the reason. Some words in such notes are also names: Rip Torn, Moritz
Tote, Mort Sahl. So in a name cell, these words count only if they are clearly a note.
"""

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from functools import cache, lru_cache

from phonebank.csv_input.yes_no_columns import fold, fold_ascii
from phonebank.csv_input.yes_no_words import phrases


class Wish(StrEnum):
    """The kinds of notes against calling (such as "deceased") in cells. If a row is refused because
    of a note, the kind of the note is the `reason` of the refusal."""

    DO_NOT_CALL = "wish_do_not_call"
    DECEASED = "wish_deceased"
    BAD_NUMBER = "wish_bad_number"


MESSAGES = {
    Wish.DO_NOT_CALL: (
        "This says that the person does not want calls, so this row is left out. Enter their "
        "number on the do-not-call page, or correct the cell and upload the row again."
    ),
    Wish.DECEASED: (
        "This says that the person has died, so this row is left out. If they may be on another "
        "list too, enter their number on the do-not-call page. If the cell is wrong, correct it "
        "and upload the row again."
    ),
    Wish.BAD_NUMBER: (
        "This says that the number is wrong or does not work, so this row is left out. Put the "
        "right number in the cell and upload the row again."
    ),
}

# Phrases that count anywhere in a cell, because no name and no ordinary note contains them.
_PLAIN: dict[Wish, frozenset[str]] = {
    Wish.DO_NOT_CALL: phrases("""
        do not call|do not ring|do not phone|do not telephone|do not contact|do not dial|do not use
        |dont call|dont ring|dont phone|dont contact|dont dial|never call|never ring|never phone
        |no calls|no more calls|no phone calls|not to be called|stop calling|no contact
        |no cold calls
        |opted out|opt out|opts out|optout|unsubscribed|unsubscribe|removed from list
        |remove from list
        |take off list|take me off|please remove|no volver a llamar|refuses calls|hates calls
        |donotcall|tps registered|ctps registered|on tps
        |on the tps|on ctps|on the ctps|on dnc|wants no calls|will not talk|asked not to be called
        |asked us not to call|dont use|dont ring again|asked to be removed|wants to be removed
        |off the list|wants off|unsub|does not want calls|doesnt want calls
        |ddim eisiau galwadau|ddim am gael galwadau|no quiere que le llamen|no desea llamadas
        |no desea ser llamado|no desea ser llamada|kein kontakt|mochte nicht angerufen werden
        |will nicht angerufen werden|mochte keine anrufe|ne veut pas etre appele
        |ne veut pas etre appelee|ne souhaite pas etre appele|ne souhaite pas etre appelee
        |consent withdrawn|withdrew consent|no consent
        |peidiwch a ffonio|peidiwch a galw|peidio a ffonio|peidio a galw|dim galwadau|dim ffonio
        |peidiwch a chysylltu|wedi optio allan|paid a ffonio|paid a galw
        |no llamar|no llame|no llamen|no llames|no telefonear|no contactar|no molestar
        |no quiere llamadas|no mas llamadas|dado de baja|dada de baja|lista robinson
        |nicht anrufen|nicht mehr anrufen|nicht kontaktieren|nicht telefonieren|kein anruf
        |keine anrufe|keine anrufe mehr|bitte nicht anrufen|anrufsperre|robinsonliste|robinson liste
        |will keine anrufe|widerspruch eingelegt|wunscht keine anrufe|werbesperre
        |ne pas appeler|ne plus appeler|ne pas rappeler|ne pas contacter|ne plus contacter
        |ne pas telephoner|ne pas deranger|pas dappel|pas dappels|plus dappels|bloctel|desinscrit
        |desinscrite|liste robinson|nappelez pas|nappelez plus
    """),
    Wish.DECEASED: phrases("""
        deceased|decd|passed away|the late|estate of|executor of|executors of
        |exors of|y diweddar|q e p d|has died|has passed|is dead|rest in peace|late husband
        |late wife
        |wedi marw|ymadawedig|bu farw|fallecido|fallecida|fallecio|ha fallecido|ha muerto
        |verst|descanse en paz|qepd|verstorben|verstorbene|verstorbener|ist tot|ist gestorben
        |ruhe in frieden|decede|decedee|est mort|est morte|defunt|defunte|feu monsieur|feue madame
    """),
    Wish.BAD_NUMBER: phrases("""
        wrong number|wrong no|wrong person|wrong num|number wrong|bad number|bad no|disconnected
        |disconn|no longer at this number|no longer lives|gone away
        |moved away|moved house|wedi symud|ddim yn byw|ya no vive|no es su numero|verzogen
        |stimmt nicht|wohnt nicht mehr|nhabite plus|a demenage|nexiste plus|plus attribue
        |not in service|out of service|no longer in service|invalid number|number invalid|dead line
        |dead number|dead tone|unobtainable|not working|does not work|doesnt work|number changed
        |changed number|number ceased|not their number|not his number|not her number
        |no longer theirs
        |number not recognised|number not recognized|no such number|not valid
        |rhif anghywir|ddim yn gweithio|rhif wedi newid|wedi datgysylltu|wedii ddatgysylltu
        |numero equivocado|numero erroneo|numero incorrecto|numero invalido|no funciona|no existe
        |fuera de servicio|desconectado|telefono equivocado
        |falsche nummer|falsche nr|nummer falsch|falsche person|nicht vergeben|kein anschluss
        |nummer ungultig
        |ungultige nummer|ausser betrieb|nicht erreichbar|funktioniert nicht|abgemeldet
        |faux numero|mauvais numero|numero errone|numero incorrect|numero invalide|hors service
        |non attribue|ne fonctionne pas|ne fonctionne plus|plus en service
    """),
}
# Words that count beside a number as well. In a name they may be the name itself or initials.
_SHORT: dict[Wish, frozenset[str]] = {
    Wish.DO_NOT_CALL: phrases(
        "dnc|d n c|tps|t p s|ctps|c t p s|stop|stopp|sperre|gesperrt|baja|refused|refus|no call"
        "|objected|widerspruch"
    ),
    Wish.DECEASED: phrases(
        "rip|r i p|difunto|difunta|dead|died|tot|tote|toter|gestorben|mort|morte|muerto|muerta"
        "|marw|qepd|q e p d"
        "|d e p"
    ),
    Wish.BAD_NUMBER: phrases(
        "wrong|invalid|ceased|anghywir|equivocado|erroneo|incorrecto|invalido|falsch|ungultig|faux"
        "|mauvais|errone|invalide"
    ),
}
# Words that are never a whole name, in capitals or not.
_WHOLE = frozenset({"dnc", "tps", "ctps", "dead", "died", "gestorben", "gesperrt"})
# Words that count in capitals before or after a name that is not in capitals: "Ada Example RIP".
_MARKS = frozenset({"dnc", "tps", "ctps", "rip", "dead", "stop", "qepd"})
# Words that are initials before a single name: "TPS Rao".
_INITIALS = frozenset({"dnc", "tps", "ctps"})
# Words that are nicknames in brackets: "Elmore (Rip) Torn".
_NICKNAMES = frozenset({"Rip", "Mort"})
# Phrases that are not wishes: "Not on the TPS", "TPS checked".
_NO_WISH = re.compile(
    r"""
    \b(?:not|no|non|ddim|nicht|kein|pas|hors)
    (?:\ (?:on|ar|an|auf|in|the|y|der|sur|en|is|yet|been))*
    \ (?:tps|ctps|dnc|bloctel|robinsonliste|dead|deceased|disconnected|wrong|opted\ out|bad
        |unsubscribed|invalid|stop)\b
    |\b(?:tps|ctps|dnc|bloctel)(?:\ (?:is|was|has|been))*
    \ (?:clear|cleared|clean|ok|okay|checked|screened|free|not\ listed|not\ registered
        |n|none|false|nein|non
        |no\ match|no(?!\ (?:calls?|contact|phone|more)))\b
    """,
    re.VERBOSE,
)
# A note in brackets, between stars or after dashes.
_NOTE = re.compile(
    r"""
    [(\[{<]([^()\[\]{}<>]*)[)\]}>]?
    |\*+([^*]+)\**
    |(?:\s[-–—/|:;]+\s|[-–—_=]{2,}|\s[-–—]+(?=\w))(.+)$
    """,
    re.VERBOSE,
)
_DIGITS = re.compile(r"[0-9]+")
# Signs beside a name which say that the person has died.
_DAGGERS = frozenset("†✝🕇")
_LETTER = re.compile(r"[^\W\d_]")


def wish_beside_number(cell: str) -> Wish | None:
    """Look for a note against calling (such as "deceased") in a number cell. The note may be beside
    the digits or in place of them. Return the kind of the note, or None if the cell has no such
    note."""
    if cell.isascii() and cell.lower() == cell.upper():  # most cells have no letters
        return None
    if not _DAGGERS.isdisjoint(cell):
        return Wish.DECEASED
    if not _LETTER.search(cell):
        return None
    return _wish_in(_DIGITS.sub(" ", fold(_insert_gaps(cell))), short=True)


def may_be_a_wish(names: Sequence[str]) -> bool:
    """Whether the name cells of a row may contain a note against calling (such as "deceased"), so
    that a full search is needed. Most rows need no search, because none of their words can begin
    such a note. A name with characters outside ASCII is always searched."""
    return any(map(_may_be_a_wish, names))


def _may_be_a_wish(name: str) -> bool:
    if not name.isascii():
        return True
    words = [name.lower()] if name.isalpha() else fold_ascii(name).split()
    # Single letters may spell a wish: "R.I.P."
    return not _first_words(True).isdisjoint(words) or 1 in map(len, words)


def wish_in_name(name: str, rest: str = "") -> Wish | None:
    """Look for a note against calling (such as "deceased") in a name cell. The note may be beside
    the name or in place of it. Return the kind of the note, or None if the cell has no such note.

    `rest` is the text of the row's other name cells. This text helps to decide whether a word is a
    note: "RIP" beside "Torn" is a note, but "RIP" beside "TORN" is a name, because all names in the
    row are in capitals.
    """
    if name.isascii() and name.isalpha():  # a fast path for most names
        wish = _single_words().get(name.lower())
        if wish or not name.isupper():
            return wish
    wish = _wish_alone(name)
    return wish or (_mark_in_capitals(name, rest) if _ends_in_a_mark(name) else None)


def wish_across_names(names: Sequence[str]) -> Wish | None:
    """Look for a note against calling that is split between the row's name cells, such as "Do Not"
    beside "Call". Return the kind of the note, or None if there is no such note.

    The words count as a note only if the cells have no other words.
    """
    return _split_words().get(" ".join(fold(name) for name in names if name))


@cache
def _split_words() -> dict[str, Wish]:
    """Return the notes that have more than one word, such as "do not call", each with its kind. A
    list may split the words of such a note into a first and a last name."""
    return {
        said: wish for wish, known in _PLAIN.items() for said in map(fold, known) if " " in said
    }


@cache
def _single_words() -> dict[str, Wish]:
    """Return the words (such as "deceased") that are a note against calling if a name cell contains
    no other word. With each word, return the kind of note."""
    plain = {word: wish for wish, said in _PLAIN.items() for word in said if " " not in word}
    whole = {word: wish for word in _WHOLE if (wish := _find_short_wish(word))}
    return plain | whole


@lru_cache(maxsize=65536)
def _wish_alone(name: str) -> Wish | None:
    name = " ".join(unicodedata.normalize("NFKC", name).split())
    if not name:
        return None
    if not _DAGGERS.isdisjoint(name):
        return Wish.DECEASED
    folded = fold(name)
    if wish := _wish_in(folded, short=False):
        return wish
    if folded in _WHOLE:
        return _wish_in(folded, short=True)
    for note in _NOTE.finditer(name):
        said = next(filter(None, note.groups()), "").strip()
        if said not in _NICKNAMES and (wish := _find_short_wish(fold(said))):
            return wish
    return None


@lru_cache(maxsize=65536)
def _ends_in_a_mark(name: str) -> bool:
    words = name.split()
    return bool(words) and not _MARKS.isdisjoint((_letters(words[0]), _letters(words[-1])))


def _mark_in_capitals(name: str, rest: str) -> Wish | None:
    words = name.split()
    others = [word for word in [*words, *rest.split()] if _letters(word) not in _MARKS]
    if not others and not rest:
        return _find_short_wish(_letters(words[0])) if words[0].isupper() else None
    if not others or all(word.isupper() for word in others):
        return None
    for word in (words[-1], words[0]):
        mark = _letters(word)
        initials = word is words[0] and len(words) > 1 and len(others) < 2 and mark in _INITIALS
        if word.isupper() and mark in _MARKS and not initials:
            return _find_short_wish(mark)
    return None


def _letters(word: str) -> str:
    return fold(word).replace(" ", "")


def _find_short_wish(folded: str) -> Wish | None:
    return _wish_in(folded, short=True)


@lru_cache(maxsize=4096)
def _wish_in(folded: str, short: bool) -> Wish | None:
    if not folded or (folded.isascii() and _first_words(short).isdisjoint(folded.split())):
        return None
    said = f" {_NO_WISH.sub(' ', folded)} ".replace(" ? ", " ")
    for wish, pattern in _patterns(short).items():
        if pattern.search(" ".join(said.split())):
            return wish
    return None


@cache
def _first_words(short: bool) -> frozenset[str]:
    """Return the first word of each phrase in `_PLAIN` and, if `short` is true, in `_SHORT`. A text
    without any of these words contains none of these phrases."""
    return frozenset(
        fold(said).split()[0]
        for wish in Wish
        for said in _PLAIN[wish] | (_SHORT[wish] if short else frozenset())
    )


@cache
def _patterns(short: bool) -> dict[Wish, re.Pattern[str]]:
    return {
        wish: _pattern(_PLAIN[wish] | (_SHORT[wish] if short else frozenset())) for wish in Wish
    }


def _pattern(words: frozenset[str]) -> re.Pattern[str]:
    longest_first = sorted((re.escape(fold(word)) for word in words), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)")


def _insert_gaps(cell: str) -> str:
    """Insert spaces where letters touch digits, as in "0117 496 0807DEAD", and replace underscores
    with spaces."""
    return re.sub(r"(?<=[0-9])(?=[^\W\d_])|(?<=[^\W\d_])(?=[0-9])|_", " ", cell)
