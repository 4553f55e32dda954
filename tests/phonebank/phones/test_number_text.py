"""Text around numbers: no number of another person is read, and no note hides a number."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonebank.phones.e164 import InvalidPhoneNumberError, read_numbers
from phonebank.phones.number_places import is_of_country

LONDON = "+442079460123"


def refusal(cell: str, country: str) -> str:
    with pytest.raises(InvalidPhoneNumberError) as refused:
        read_numbers(cell, country)
    return refused.value.reason


# German numbers kept for fiction: Berlin (0)30 23125 xxx, Hamburg (0)40 66969 xxx
# (Bundesnetzagentur, "Rufnummern für Drama").
TAILS = st.integers(0, 999).map(lambda n: f"23125{n:03d}")
WITH_AREA_CODE = st.sampled_from(
    ["030 {}", "030/{}", "(030) {}", "(030)/{}", "+49 30 {}", "+49 30/{}", "+49 (0)30 {}"]
    + ["+4930{}", "0049 30 {}", "Tel. 030 {}", "privat: +49 30 {}", "\u202a+49 30 {}\u202c"]
)
WITHOUT = st.sampled_from(["{}", "privat {}", "mobil: {}", "({})", "Tel. {}", "{} (Büro)"])
SEPARATORS = st.sampled_from(
    ["/", " / ", "; ", ", ", "\n", "\r\n", " oder ", " und ", " & ", " | ", " ::: ", " (privat) "]
)


@given(WITH_AREA_CODE, TAILS, SEPARATORS, WITHOUT, TAILS)
def test_a_second_number_without_its_area_code_is_left_out(
    first: str, number: str, separator: str, second: str, tail: str
) -> None:
    cell = first.format(number) + separator + second.format(tail)
    assert read_numbers(cell, "DE") == [f"+4930{number}"]


@given(WITH_AREA_CODE, TAILS, SEPARATORS, st.sampled_from(["040 {}", "+49 40 {}"]), TAILS)
def test_a_second_number_with_its_area_code_is_kept(
    first: str, number: str, separator: str, second: str, tail: str
) -> None:
    cell = first.format(number) + separator + second.format(tail)
    assert read_numbers(cell, "DE") == [f"+4930{number}", f"+4940{tail}"]


LOOK_ALIKES = {"0": "OoQ", "1": "lIi", "2": "Zz", "5": "Ss", "8": "B", "9": "g", "6": "b", "7": "T"}


@given(
    st.sampled_from([("020 7946 0123", "GB"), ("(202) 555-0117", "US"), ("+49 30 23125503", "DE")]),
    st.data(),
)
def test_a_letter_for_a_digit_refuses_the_number_wherever_it_stands(
    written: tuple[str, str], data: st.DataObject
) -> None:
    text, country = written
    places = [n for n, c in enumerate(text) if c in LOOK_ALIKES]
    place = data.draw(st.sampled_from(places))
    letter = data.draw(st.sampled_from(LOOK_ALIKES[text[place]]))
    assert refusal(text[:place] + letter + text[place + 1 :], country) == "letter_for_digit"


@given(st.sampled_from("abcdefghjkmnpruvwyzÄØО"), st.integers(0, 11))
def test_any_other_letter_among_digits_refuses_it_too(letter: str, at: int) -> None:
    digits = "02079460123"
    # An x begins an extension, and "02079460e123" is how Excel rounds.
    reason = refusal(digits[:at] + letter + digits[at:], "GB")
    assert reason == "letter_for_digit" or (letter, reason) == ("e", "scientific_notation")


NOTES = [
    "after 6pm", "after 6", "after 18:00", "not before 1800", "evenings 6-8", "6-8pm", "18h30",
    "Mon-Fri 9-5", "ab 18 Uhr", "abends 18-20 Uhr", "après 18h", "a partir de las 18:00",
    "flat 2", "apt. 3b", "1st choice", "2nd", "call 9am to 5pm", "best before 10",
]  # fmt: skip


@given(st.sampled_from(NOTES), st.sampled_from(["{n} {note}", "{n} ({note})", "{n}, {note}"]))
def test_a_note_with_a_digit_is_a_note(note: str, written: str) -> None:
    assert read_numbers(written.format(n="020 7946 0123", note=note), "GB") == [LONDON]


@given(st.sampled_from(NOTES), st.sampled_from(["{note}: {n}", "({note}) {n}", "{note} / {n}"]))
def test_a_note_before_the_number_is_a_note(note: str, written: str) -> None:
    assert read_numbers(written.format(n="020 7946 0123", note=note), "GB") == [LONDON]


@pytest.mark.parametrize(
    ("cell", "country", "numbers"),
    [
        ("020-7946-0123/020-7946-0456", "GB", [LONDON, "+442079460456"]),
        ("020.7946.0123 / 020.7946.0456", "GB", [LONDON, "+442079460456"]),
        ("202-555-0117/301-555-0145", "US", ["+12025550117", "+13015550145"]),
        ("030 123456/030 234567", "DE", ["+4930123456", "+4930234567"]),
        ("020 7946 0123 ::: 020 7946 0456", "GB", [LONDON, "+442079460456"]),
        ("020 7946 0123 m: 020 7946 0456", "GB", [LONDON, "+442079460456"]),
        ("H 020 7946 0123 W 020 7946 0456", "GB", [LONDON, "+442079460456"]),
        (
            "+1 (202) 555-0117 (cell) (301) 555-0118 (home)",
            "US",
            ["+12025550117", "+13015550118"],
        ),
        ("2079460123/2079460456", "GB", [LONDON, "+442079460456"]),  # Excel took both zeros
        ("202/555-0117", "US", ["+12025550117"]),
        ("Tel020 7946 0123", "GB", [LONDON]),
        ("020 7946 0123 (ext 12) or 020 7946 0456", "GB", [LONDON, "+442079460456"]),
    ],
)
def test_cells_as_people_write_them(cell: str, country: str, numbers: list[str]) -> None:
    assert read_numbers(cell, country) == numbers


@pytest.mark.parametrize(
    ("cell", "country"),
    [
        ("030 2312 ask 5503", "DE"),
        ("030 (Berlin) 23125503", "DE"),
        ("030 231255 home 03", "DE"),
        ("after 6 020 7946 0264", "GB"),  # is the 6 a digit of it?
        ("12 High Street 4", "GB"),
    ],
)
def test_parts_that_may_belong_together_are_refused(cell: str, country: str) -> None:
    assert refusal(cell, country)


INVISIBLE = [chr(c) for c in range(0x10000) if unicodedata.category(chr(c)) == "Cf"]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 13),
            st.sampled_from(
                [*INVISIBLE, "\u034f", "\ufe0f", "\u3164", "\u2800", "\u180e", "\u2009"]
            ),
        ),
        max_size=6,
    )
)
def test_what_cannot_be_seen_means_nothing(inserted: list[tuple[int, str]]) -> None:
    text = "020 7946 0123"
    for at, character in inserted:
        text = text[:at] + character + text[at:]
    assert read_numbers(text, "GB") == [LONDON]


@pytest.mark.parametrize(
    ("e164", "countries"),
    [
        ("+12025550123", "US"),
        ("+17872500123", "US"),  # Puerto Rico
        ("+16712500123", "US"),  # Guam
        ("+14165550123", "CA"),
        ("+12423570123", ""),  # the Bahamas
        ("+18765550124", ""),  # Jamaica
        ("+18682350124", ""),  # Trinidad
        ("+18095550124", ""),  # the Dominican Republic
        ("+14412350124", ""),  # Bermuda
        ("+18005550123", "US CA"),  # freephone is nowhere
        ("+442079460123", "GB"),
        ("+447797712345", "GB"),  # Jersey
        ("+493023125503", "DE"),
    ],
)
def test_whose_country_a_number_is_of(e164: str, countries: str) -> None:
    of = [country for country in ("US", "CA", "GB", "DE", "IE") if is_of_country(e164, country)]
    assert of == countries.split()
