"""Names fit for a television, and codes as people type them."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from phonebank.core.errors import InvalidInputError
from phonebank.models.party import CODE_LETTERS, new_code
from phonebank.parties.codes import invitation, join_link, normalise_code
from phonebank.parties.display_names import clean_name


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  Sam ", "Sam"),
        ("Mary   Jane", "Mary Jane"),
        ("Zoe\u0308", "Zoë"),
        ("محمد", "محمد"),
        ("Jo 🌹", "Jo 🌹"),
        # A family, a rainbow flag and Scotland: emoji that need invisible joiners.
        ("👩‍👩‍👧", "👩‍👩‍👧"),
        ("🏳️‍🌈", "🏳️‍🌈"),
        ("🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",) * 2,
        ("<b>Sam</b>", "<b>Sam</b>"),
        ("x" * 40, "x" * 40),
    ],
)
def test_names_people_have(typed: str, stored: str) -> None:
    assert clean_name(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "\u200b",
        "\u200d",
        "x" * 41,
        "x" * 500,
        "Sam\x00",
        "Sam\nSmith",
        "Sam\x1b[31m",
        "Sam\u202egnikcab",
        "Sam\u2066",
        "Sam\u2028Smith",
        "\ud800",
        "\ue000",
    ],
)
def test_names_that_cannot_be_shown_say_why(typed: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        clean_name(typed)
    assert refused.value.message
    assert refused.value.what_to_do


@given(st.text(max_size=60))
def test_a_clean_name_is_short_visible_and_stays_clean(typed: str) -> None:
    try:
        name = clean_name(typed)
    except InvalidInputError:
        return
    assert 1 <= len(name) <= 40
    assert name == clean_name(name) == name.strip()
    assert not any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in name)


@given(st.text(CODE_LETTERS, min_size=6, max_size=6), st.sampled_from([" ", "-", "–", ""]))
@example("ABCDEF", "\u00a0")
def test_a_code_is_the_same_however_it_is_typed(code: str, between: str) -> None:
    typed = f"  {between.join((code[:3], code[3:]))} ".lower()
    assert normalise_code(typed) == code


def test_new_codes_have_no_letter_that_is_misread() -> None:
    codes = [new_code() for _ in range(500)]
    assert len(set(codes)) == 500
    assert all(len(code) == 6 and not set(code) & set("0O1IL") for code in codes)


def test_the_invitation_has_all_that_a_friend_needs() -> None:
    words = invitation(
        "Tuesday night",
        "Tuesday 13 January, 19:30",
        join_link("https://ring.example", "ABC234"),
        "ABC234",
        "https://ring.example",
        "Kitchen Table",
    )
    for needed in (
        "Tuesday night",
        "19:30",
        "https://ring.example/join/ABC234",
        " ring.example/join ",
        "type ABC234",
    ):
        assert needed in words


@pytest.mark.parametrize(
    "pasted",
    [
        "Code: ABC234",
        "the code is abc 234",
        "phones.example/join and type ABC234.",
        "phones.example/join ABC-234",
        "https://phones.example/join?code=ABC234",
        "https://l.facebook.com/l.php?u=https%3A%2F%2Fphones.example%2Fjoin%2FABC234&h=x1",
        "https://www.google.com/url?q=https://phones.example/join/ABC234&sa=D",
    ],
)
def test_a_code_within_the_words_or_the_link_it_came_in(pasted: str) -> None:
    assert normalise_code(pasted) == "ABC234"
