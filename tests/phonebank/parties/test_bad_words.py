"""Which names are refused at the door, and which are names."""

import pytest

from phonebank.errors import BadInput
from phonebank.parties.bad_words import NAMES, refuse_bad_words


@pytest.mark.parametrize(
    "name",
    ["fuck", "Big Fucker", "f.u.c.k", "CUNT", "nigger", "Paki", "Sam the wanker", "fuuuck", "fück"],
)
def test_slurs_and_bad_words_are_refused(name: str) -> None:
    with pytest.raises(BadInput, match="cannot go on the board"):
        refuse_bad_words(name)


@pytest.mark.parametrize(
    "name",
    [
        *NAMES,
        "Sam",
        "Dick Whittington",
        "Scunthorpe Sue",
        "Hancock",
        "Cockburn",
        "Analise",
        "Assad",
        "Phuc",
        "Shital",
        "Gaylord",
        "Titus",
        "Cummings",
        "Weiner",
        "Dong",
        "Ngọc Bích",
        "Fanny",
        "Randy",
        "Sam 🎉",
        "Сергей",
        "محمد",
        "小明",
    ],
)
def test_names_are_names(name: str) -> None:
    refuse_bad_words(name)
