"""Old alphabets: a name is stored as it is spelled, or the file is refused; never as "JosŽ"."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonebank.csv_input.cells import words
from phonebank.csv_input.code_pages import AccentedWords, detect_alphabet
from phonebank.csv_input.rows import InvalidFileError, read_rows, sniff

# First and last names of the five languages, and of people who live among them.
NAMES = sorted(
    words(
        "José García Núñez Muñoz Íñigo Peña López Sánchez Pérez Gómez Hernández Álvarez Jesús Raúl"
        " Müller Jörg Käthe Strauß Günther Öztürk Ursula Jürgen Björn"
        " Renée Françoise Hélène Anaïs Zoë Chloé Élodie Benoît Gaël Jérôme"
        " Siân Siôn Mair Ann Smith"
    )
)


def letters(names: list[str], encoding: str) -> AccentedWords:
    accented = AccentedWords()
    accented.add(" ".join(names).encode(encoding))
    return accented


def read(content: bytes) -> list[str]:
    rows = read_rows([content], sniff(content))
    return [row.cells[0] for row in rows][1:]


@given(
    st.lists(st.sampled_from(NAMES), min_size=4, max_size=30),
    st.sampled_from(["cp1252", "mac_roman", "utf-8", "utf-16"]),
    st.sampled_from([",", ";", "\t"]),
)
def test_names_are_read_as_they_are_spelled_or_the_file_is_refused(
    names: list[str], encoding: str, delimiter: str
) -> None:
    rows = [f"{name}{delimiter}020 7946 0{n:03d}" for n, name in enumerate(names)]
    content = "\r\n".join([f"Name{delimiter}Phone", *rows]).encode(encoding)
    assert read(content) == names


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "cp850"])
def test_the_alphabet_of_many_names_is_told(encoding: str) -> None:
    assert detect_alphabet(letters(NAMES, encoding).old) == encoding


@pytest.mark.parametrize("name", ["Dušan", "Miloš", "Søren", "O’Brien", "Þórður", "sœur", "Ståle"])
def test_windows_is_believed_where_its_letters_look_right(name: str) -> None:
    assert detect_alphabet(letters([name], "cp1252").old) == "cp1252"


def test_polish_names_saved_by_an_older_windows() -> None:
    names = ["Wałęsa", "Żółkiewski", "Świętosława"]
    assert detect_alphabet(letters(names, "cp1250").old) == "cp1250"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("Иванов,1\nСмирнов,2", "cp1251"), ("Παπαδόπουλος,1\nΓεωργίου,2", "cp1253")],
)
def test_an_alphabet_that_cannot_be_told_is_refused_with_the_remedy(
    text: str, encoding: str
) -> None:
    with pytest.raises(InvalidFileError, match="CSV UTF-8") as refused:
        sniff(f"Name,Phone\n{text}\n".encode(encoding))
    assert refused.value.reason == "unknown_alphabet"
