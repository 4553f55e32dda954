"""Detects the encoding of a file that is not UTF-8. This module calls an encoding an alphabet.

Before UTF-8, each system had its own alphabet, and a file does not name its alphabet. The byte for
é on a Mac, for example, is Ž on Windows. So this module decodes the words with accented letters
once with each alphabet. If no word looks wrong in Windows' alphabet, it usually chooses that
alphabet, and otherwise the one that gives the most plausible words. If too many words look wrong
even then, the file is refused, because nobody should be addressed as "JosŽ".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

WINDOWS = "cp1252"
# If two alphabets fit equally well, Windows is the likeliest, so it comes first. Then come old
# Macs, DOS, and Windows in Central Europe.
ALPHABETS = (WINDOWS, "mac_roman", "cp850", "cp1250")

# The module examines at most this many words. More would not help, because names repeat.
MOST_WORDS = 2_000
LONGEST_WORD = 60  # bytes
# At most this share of words may look wrong, because of stray symbols and typing errors.
STRANGE_SHARE = 0.1

_WORD = re.compile(rb"[A-Za-z'\x80-\xff]*[\x80-\xff][A-Za-z'\x80-\xff]*")
_UTF_8 = re.compile(
    rb"(?:[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
    rb"|[A-Za-z'])+"
)

_COMMON = frozenset("áàâäãåçéèêëíìîïñóòôöõúùûüß")
_CENTRAL = frozenset("ąćęłńśźżčďěňřšťůžőűľĺŕăşţđ")
_BESIDE_WORDS = frozenset("“”‘’„‚–—…«»‹›¿¡·•€£§°ºª©®™½¼¾²³¹×´`¨\xa0")
_VOWELS = frozenset("aeiouyAEIOUY")
_GOOD, _WEAK, _BAD = 2, 0, -4


@dataclass
class AccentedWords:
    """Words with accented letters, collected from the pieces of a file. `old` has the words that
    are not UTF-8, and `has_utf_8` says whether a word with accented letters was UTF-8."""

    old: set[bytes] = field(default_factory=set)  # not UTF-8; at most MOST_WORDS
    has_utf_8: bool = False

    def add(self, data: bytes) -> None:
        """Collect the words with accented letters from a piece of the file: add them to `old` if
        they are not UTF-8, and otherwise set `has_utf_8`. Long words are cut to LONGEST_WORD bytes.
        If `old` already has MOST_WORDS words, ignore the piece."""
        if data.isascii() or len(self.old) >= MOST_WORDS:
            return
        for found in _WORD.finditer(data):
            if _UTF_8.fullmatch(found[0]):
                self.has_utf_8 = True
            elif len(self.old) < MOST_WORDS:
                self.old.add(found[0][:LONGEST_WORD])


def detect_alphabet(words: Iterable[bytes]) -> str | None:
    """Return the Python codec of the encoding that these words probably have. Return None if too
    many words look wrong both in the encoding that fits best and in the Windows encoding.

    Words of one byte are ignored. The Windows encoding is chosen if no word looks wrong in it, and
    some words have everyday accented letters such as é. It is also chosen if there are no words.
    Otherwise the encoding that fits best is chosen. If too many words look wrong in that encoding,
    the Windows encoding is tried instead.
    """
    looked_at = [word for word in words if len(word) > 1]
    most_strange = len(looked_at) * STRANGE_SHARE
    scores = {alphabet: [_score(word, alphabet) for word in looked_at] for alphabet in ALPHABETS}
    strange = {alphabet: sum(score < 0 for score in of) for alphabet, of in scores.items()}
    everyday = any(score >= _GOOD for score in scores[WINDOWS])
    if not looked_at or (not strange[WINDOWS] and everyday):
        return WINDOWS
    # The letters of Central Europe are letters in Windows' alphabet too. So cp1250 is tried only if
    # words look wrong in Windows' alphabet.
    others = ALPHABETS if strange[WINDOWS] else ALPHABETS[:-1]
    best = max(others, key=lambda alphabet: sum(scores[alphabet]))
    return next((of for of in (best, WINDOWS) if strange[of] <= most_strange), None)


def _score(word: bytes, alphabet: str) -> int:
    try:
        text = word.decode(alphabet)
    except UnicodeDecodeError:
        return _BAD * 2
    foreign = sum(c > "\x7f" for c in text)
    if len(text) > 3 and foreign * 5 > len(text) * 3:
        return _BAD  # this text is Cyrillic or Greek: Latin words are not made of accents
    score = 0
    for at, c in enumerate(text):
        if c > "\x7f":
            score += _score_of(c, text[at - 1 : at] if at else "", text[at + 1 : at + 2], alphabet)
    return score


def _score_of(c: str, before: str, after: str, alphabet: str) -> int:
    """Return a number that says how well a character fits between its neighbours. A higher number
    is better. `before` is "" at the beginning of a word, and `after` is "" at its end."""
    if not c.isalpha() or c in "ºª":
        return _score_of_sign(c, before, after)
    if c.isupper() and (before.islower() or (before.isupper() and after.islower())):
        return _BAD  # JosŽ, MÅller
    if c.islower() and after.isupper():
        return _BAD  # NUéEZ
    letter = c.lower()
    if letter == "ç" and after.isalpha() and after not in _VOWELS:
        return _BAD  # çlvarez
    if letter == "œ" and after in ("u", "U"):
        return _GOOD  # sœur
    if letter in _COMMON and (alphabet != "cp1250" or letter in "áâäçéëíîóôöúüß"):
        # "Duöan" is Dušan on a Mac: few words have an umlaut beside another vowel.
        beside_a_vowel = letter in "öäüûåø" and before in _VOWELS and before != ""
        return _BAD // 2 if beside_a_vowel and alphabet != WINDOWS else _GOOD
    if letter in _CENTRAL and alphabet == "cp1250":
        return _GOOD - 1
    return _WEAK if alphabet in (WINDOWS, "cp1250") else _WEAK - 1


def _score_of_sign(c: str, before: str, after: str) -> int:
    if c not in _BESIDE_WORDS:
        return _BAD
    if not (before.isalpha() and after.isalpha()):
        beside_a_letter = (before.isalpha() or after.isalpha()) and c in "¡¢£¤¥§€´`¨·"
        return _BAD // 2 if beside_a_letter else _WEAK
    if c == "’":
        # An apostrophe is right in O’Brien, but wrong in Garc’a.
        return _GOOD if after.isupper() or before.isupper() or after in "stdl" else _BAD // 2
    return _WEAK if c in "–—" and after.isupper() else _BAD
