"""Wishes in place of a number or a name, and people whose names are such words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonebank.lists.notes_in_cells import Wish, wish_across_names, wish_beside_number, wish_in_name

DNC, DECEASED, BAD = Wish.DO_NOT_CALL, Wish.DECEASED, Wish.BAD_NUMBER

WORDS = [
    ("do not call", DNC), ("DO NOT CALL!!", DNC), ("don’t ring", DNC), ("DNC", DNC), ("(TPS)", DNC),
    ("opted out", DNC), ("STOP", DNC), ("nicht anrufen", DNC), ("kein Anruf", DNC),
    ("ne pas appeler", DNC), ("NE PLUS APPELER", DNC), ("no llamar", DNC),
    ("Peidiwch â ffonio", DNC), ("dim galwadau", DNC), ("Robinsonliste", DNC), ("Bloctel", DNC),
    ("deceased", DECEASED), ("RIP", DECEASED), ("R.I.P.", DECEASED), ("died 2019", DECEASED),
    ("verstorben", DECEASED), ("décédée", DECEASED), ("fallecido", DECEASED),
    ("wedi marw", DECEASED), ("tot", DECEASED),
    ("WRONG NUMBER", BAD), ("disconnected", BAD), ("not in service", BAD), ("falsche Nummer", BAD),
    ("D.N.C.", DNC), ("†", DECEASED),
    ("faux numéro", BAD), ("número equivocado", BAD), ("rhif anghywir", BAD),
]  # fmt: skip


@pytest.mark.parametrize(("words", "wish"), WORDS)
@pytest.mark.parametrize("cell", ["{}", "0117 496 0801 {}", "{} 0117 496 0801", "01174960801--{}"])
def test_a_wish_beside_a_number_or_instead_of_it(cell: str, words: str, wish: Wish) -> None:
    assert wish_beside_number(cell.format(words)) is wish


@pytest.mark.parametrize(
    "cell",
    ["0117 496 0801", "0117 496 0801 (home)", "Mob: 07700 900123 x12", "ask for Jo", "after 6pm",
     "not on the TPS", "TPS checked", "(not TPS) 0117 496 0801", "evenings", "work", "o Handy", ""],
)  # fmt: skip
def test_other_words_beside_a_number_are_no_wish(cell: str) -> None:
    assert wish_beside_number(cell) is None


@pytest.mark.parametrize(
    ("name", "rest", "wish"),
    [
        ("DO NOT CALL", "Ex", DNC),
        ("do not call", "", DNC),
        ("Deceased", "Ex", DECEASED),
        ("Ada (deceased)", "", DECEASED),
        ("Ada Example - verstorben", "", DECEASED),
        ("Example (décédé)", "Ada", DECEASED),
        ("Ada [RIP]", "", DECEASED),
        ("RIP", "Torn", DECEASED),
        ("Ada Example RIP", "", DECEASED),
        ("R.I.P. Ada", "", DECEASED),
        ("Ada (tot)", "", DECEASED),
        ("DNC", "Ex", DNC),
        ("Ada (TPS)", "Example", DNC),
        ("*DNC* Ada", "", DNC),
        ("Ada（nicht anrufen）", "", DNC),
        ("Wrong number", "", BAD),
        ("Ada (disconnected)", "", BAD),
        ("peidiwch â ffonio", "", DNC),
        ("no llamar", "", DNC),
        ("Ada †", "", DECEASED),
    ],
)
def test_a_wish_in_the_name(name: str, rest: str, wish: Wish) -> None:
    assert wish_in_name(name, rest) is wish


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("Rip", "Torn"), ("Rip Torn", ""), ("RIP", "TORN"), ("Elmore (Rip) Torn", ""),
        ("Tote", "Anna"), ("Moritz Tote", ""), ("Mort", "Sahl"), ("Difunto", "Luis"),
        ("Stop", "Ann"), ("Wrong", "Amy"),
        ("Ann Muerto", ""), ("Baja", "Luz"), ("DNC Perera", ""), ("TPS Rao", ""),
        ("Anne-Marie Lee-Jones", ""), ("Marwa", "Ali"), ("Ada (Bob)", ""), ("Mr Late", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_people_are_called_by_their_names(name: str, rest: str) -> None:
    assert wish_in_name(name, rest) is None


@given(st.sampled_from(WORDS), st.sampled_from([str.upper, str.lower, str.title]), st.booleans())
def test_a_wish_is_seen_however_it_is_written(
    said: tuple[str, Wish], case: object, fullwidth: bool
) -> None:
    words = case(said[0])  # type: ignore[operator]
    if fullwidth:
        words = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in words)
    assert wish_beside_number(f"0117 496 0801 {words}") is said[1]


@pytest.mark.parametrize(
    ("names", "wish"),
    [
        (["Do Not", "Call"], Wish.DO_NOT_CALL),
        (["WRONG", "NUMBER"], Wish.BAD_NUMBER),
        (["Nicht", "anrufen!"], Wish.DO_NOT_CALL),
        (["Ne pas", "appeler"], Wish.DO_NOT_CALL),
        (["Wedi", "", "marw"], Wish.DECEASED),
        (["Nina", "No", "Llame"], None),
        (["Dora Donot", "Call"], None),
    ],
)
def test_a_wish_cut_into_first_and_last_name(names: list[str], wish: Wish | None) -> None:
    assert wish_across_names(names) == wish


@pytest.mark.parametrize(
    ("cell", "wish"),
    [
        ("020 7946 0123 asked to be removed", Wish.DO_NOT_CALL),
        ("020 7946 0123 möchte nicht angerufen werden", Wish.DO_NOT_CALL),
        ("020 7946 0123 ne veut pas être appelée", Wish.DO_NOT_CALL),
        ("020 7946 0123 no quiere que le llamen", Wish.DO_NOT_CALL),
        ("020 7946 0123 ddim eisiau galwadau", Wish.DO_NOT_CALL),
        ("020 7946 0123 n'existe plus", Wish.BAD_NUMBER),
        ("020 7946 0123 unbekannt verzogen", Wish.BAD_NUMBER),
        ("020 7946 0123 no longer lives here", Wish.BAD_NUMBER),
        ("020 7946 0123 TPS: N", None),
        ("020 7946 0123 (TPS none)", None),
        ("020 7946 0123 TPS: Y", Wish.DO_NOT_CALL),
    ],
)
def test_a_sentence_beside_a_number(cell: str, wish: Wish | None) -> None:
    assert wish_beside_number(cell) == wish


@pytest.mark.parametrize("name", ["The late Ada Example", "Estate of Ada", "Ada q.e.p.d.", "RIP"])
def test_what_is_said_of_the_dead_in_a_name(name: str) -> None:
    assert wish_in_name(name) is Wish.DECEASED
