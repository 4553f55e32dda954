"""Values of a do-not-call column: yes, no, or one that an organiser must decide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonebank.csv_input import yes_no_words
from phonebank.csv_input.yes_no_columns import (
    DATE,
    OTHER_NUMBER,
    OWN_NUMBER,
    Action,
    fold,
    key_of,
    reading_of,
)

NOES = """
#N/A|NaN|\\N|*Clean*|No match|Not on TPS|OK to call|Consented|No.|NO|n|N|nil|NULL|none|n/a|N.A.|-|--
|0|0.0|0,00|00|FALSE|false|f|FALSCH|FAUX|FALSO|#REF!|#VALUE!|#NV|#N/D|#BEZUG!|#¿NOMBRE?|#NOM?
|<NA>
|(empty)|empty|not listed|not registered|Cleared|unregistered|may call|callable|opt in|opted-in
|0 - No|N (no)|Clear of TPS|not listed on the TPS|none found|no consta
|has consent|No Match Found|TPS: no match|tps - clear|not on the TPS|Nein|nicht eingetragen
|kein Treffer|Non|non inscrit|pas sur Bloctel|nac ydw|nac oes|ddim ar y TPS|heb gofrestru
|no inscrito|sin coincidencias
|="No"|'no'|Ｎｏ|no\xa0|ok|Okay|subscribed|Alive|not deceased|not suppressed
"""
YESES = """
yes|Y|1|1.0|-1|TRUE|t|x|X|✓|✔️|DNC|TPS|CTPS|tps/ctps|registered|Listed|match|MATCHED|do not call
|Do-Not-Call|don’t call|opt out|Opted-Out|stop|STOP!|unsubscribed|TPS registered|sí|SÍ|ja|oui|ie
|Registered on TPS|Y - yes
|ydw|Sperre|Robinsonliste|nicht anrufen|Bloctel|ne pas appeler|Lista Robinson|no llamar|fallecida
|peidiwch â ffonio|wedi marw|verstorben|décédé|Deceased|dead|eingetragen|inscrit
"""
UNKNOWN = """
maybe|?|TPS?|ask Bob|pending|unknown|2|7|*|see notes|yes 2019|rang to ask 5 Nov|Smith|0 - see file
|not checked|nicht geprüft|à vérifier|por confirmar|i'w wirio
"""


def listed(words: str) -> list[str]:
    return [word for word in "".join(words.strip("\n").splitlines()).split("|") if word]


def says(cell: str, target: str = "do_not_call") -> Action:
    return reading_of(target, key_of(cell))


@pytest.mark.parametrize("cell", ["", "  ", *listed(NOES)])
def test_a_plain_no_stores_the_person(cell: str) -> None:
    assert says(cell) is Action.CALL


@pytest.mark.parametrize("cell", listed(YESES))
def test_a_plain_yes_suppresses(cell: str) -> None:
    assert says(cell) is Action.SUPPRESS
    assert says(f" {cell}\n") is Action.SUPPRESS


@pytest.mark.parametrize("cell", listed(UNKNOWN))
def test_any_other_word_is_asked_about(cell: str) -> None:
    assert says(cell) is Action.ASK


@pytest.mark.parametrize(
    "cell", ["2026-03-01", "02.03.2026", "3/1/26", "5 Nov 2024", "01/02/2026 10:15", "12-Mar-24"]
)
def test_a_date_is_one_kind_of_value_and_asked_about(cell: str) -> None:
    assert key_of(cell) == DATE
    assert says(cell) is Action.ASK


def test_the_rows_own_number_says_that_a_register_has_it() -> None:
    own = ["+44 151 496 0000", ""]
    assert key_of("0151 496 0000", own) == OWN_NUMBER
    assert key_of("0151 496 0001", own) == OTHER_NUMBER
    assert reading_of("do_not_call", OWN_NUMBER) is Action.SUPPRESS
    assert reading_of("do_not_call", OTHER_NUMBER) is Action.ASK


@pytest.mark.parametrize(
    ("cell", "done"),
    [
        ("Yes", Action.CALL),
        ("TRUE", Action.CALL),
        ("Consented", Action.CALL),
        ("opted in", Action.CALL),
        ("einverstanden", Action.CALL),
        ("No", Action.SUPPRESS),
        ("0", Action.SUPPRESS),
        ("nein", Action.SUPPRESS),
        ("withdrawn", Action.SUPPRESS),
        ("do not call", Action.SUPPRESS),
        ("", Action.ASK),
        ("#N/A", Action.ASK),
        (r"\N", Action.ASK),
        ("maybe", Action.ASK),
        ("registered", Action.ASK),
    ],
)
def test_consent_is_the_other_way_round(cell: str, done: Action) -> None:
    assert says(cell, "consent") is done


@pytest.mark.parametrize(
    ("cell", "done"),
    [
        ("true", Action.DROP_NUMBER),
        ("Disconnected", Action.DROP_NUMBER),
        ("falsche Nummer", Action.DROP_NUMBER),
        ("false", Action.CALL),
        ("", Action.CALL),
        ("valid", Action.CALL),
        ("do not call", Action.ASK),
        ("perhaps", Action.ASK),
    ],
)
def test_a_number_that_does_not_work(cell: str, done: Action) -> None:
    assert says(cell, "bad_number") is done


WRAPPINGS = st.sampled_from(
    ["", " ", "\t", "\xa0", "\u200b", ".", "*", "**", '"', "'", "(", "\ufeff"]
)
CASES = st.sampled_from([str.upper, str.lower, str.title, str.swapcase])


@given(
    st.sampled_from(listed(NOES) + sorted(yes_no_words.NOTHING)),
    WRAPPINGS,
    WRAPPINGS,
    CASES,
)
def test_no_spelling_of_a_no_ever_suppresses(
    no: str, before: str, after: str, case: object
) -> None:
    cell = f"{before}{case(no)}{after}"  # type: ignore[operator]
    assert says(cell) in (Action.CALL, Action.ASK)


KNOWN = {
    fold(phrase)
    for words in vars(yes_no_words).values()
    if isinstance(words, frozenset)
    for phrase in words
}


@given(st.text(max_size=30), st.sampled_from(["do_not_call", "consent", "bad_number"]))
def test_what_is_in_none_of_our_words_is_asked_about(cell: str, target: str) -> None:
    key = key_of(cell)
    if says(cell, target) is not Action.ASK:
        assert key in {"", "0", "1", "-1"} or KNOWN & {key, *key.split()}


@given(st.text(alphabet=st.characters(categories=["L"]), min_size=4, max_size=12))
def test_a_word_nobody_knows_neither_suppresses_nor_stores(word: str) -> None:
    assert says(f"qz{word}qz") is Action.ASK


@pytest.mark.parametrize(
    "cell", ["never", "Niemals", "jamais", "✗", "❌", "no thanks", "in", "out", "angemeldet"]
)
def test_what_may_be_a_yes_and_may_be_a_no_is_asked_about(cell: str) -> None:
    """ "Never" under "Do not call" may mean that a person wants no calls, or may be called."""
    assert says(cell) is Action.ASK
