"""What organisers paste and upload as do-not-call numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonebank.core.errors import InvalidInputError
from phonebank.suppressions.pasted_numbers import (
    BYTES_AT_MOST,
    LINES_AT_MOST,
    decode_file,
    read_lines,
)


def test_numbers_written_any_way_and_each_once() -> None:
    read = read_lines("020 7946 0001\n+44 (0)20 7946 0002\n\n4420 7946-0001\n07700 900123", "GB")
    assert read.phones == ["+442079460001", "+442079460002", "+447700900123"]
    assert read.refused == []


def test_a_line_without_a_number_is_named() -> None:
    read = read_lines("020 7946 0001\n12345\nno number", "GB")
    assert [(line.number, line.text) for line in read.refused] == [(2, "12345"), (3, "no number")]
    assert all(line.message for line in read.refused)


def test_a_heading_and_empty_lines_are_passed_over() -> None:
    read = read_lines('Phone\n\n020 7946 0001\n ,\n"";\n', "GB")
    assert (read.phones, read.refused) == (["+442079460001"], [])


def test_a_number_counts_whatever_the_words_beside_it_say() -> None:
    read = read_lines("020 7946 0123 (wife)\nFax: 020 7946 0124", "GB")
    assert read.phones == ["+442079460123", "+442079460124"]


def test_the_country_decides_how_a_number_is_read() -> None:
    assert read_lines("212 555 0123", "US").phones == ["+12125550123"]
    assert read_lines("212 555 0123", "GB").phones == []


def test_too_many_lines_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"100,001 lines"):
        read_lines("1\n" * (LINES_AT_MOST + 1), "GB")


@given(st.text(max_size=200))
def test_any_text_at_all_is_read_without_a_crash(text: str) -> None:
    read = read_lines(text, "GB")
    assert all(phone.startswith("+") for phone in read.phones)
    assert len(set(read.phones)) == len(read.phones)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_file_in_any_usual_encoding(encoding: str) -> None:
    text = "Numéro,Prénom\n020 7946 0001,Zoë\n"
    assert read_lines(decode_file(text.encode(encoding)), "GB").phones == ["+442079460001"]


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04" + b"x" * 100, b"\x89PNG\r\n\x1a\n\0\0"])
def test_a_file_that_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInputError):
        decode_file(data)


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="5 MB"):
        decode_file(b"1" * (BYTES_AT_MOST + 1))
