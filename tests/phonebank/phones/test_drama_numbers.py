"""Numbers that regulators keep for fiction."""

import pytest

from phonebank.phones.drama_numbers import is_drama_number
from phonebank.phones.e164 import (
    InvalidPhoneNumberError,
    read_number,
)

MOBILE = "+447700900123"
UK_DRAMA = [
    f"+44{area}4960"
    for area in ["113", "114", "115", "116", "117", "118", "121", "131", "141", "151", "161"]
]
UK_DRAMA += ["+442079460", "+441914980", "+442890180", "+442920180"]
UK_DRAMA += ["+441632960", "+447700900", "+448081570", "+449098790", "+443069990"]


@pytest.mark.parametrize("thousand", UK_DRAMA)
def test_british_drama_ranges_hold_a_thousand_numbers_each(thousand: str) -> None:
    assert all(is_drama_number(f"{thousand}{n:03d}") for n in (0, 1, 500, 998, 999))
    below, above = int(thousand[1:] + "000") - 1, int(thousand[1:] + "999") + 1
    assert not is_drama_number(f"+{below}")
    assert not is_drama_number(f"+{above}")


def test_american_drama_range_holds_a_hundred_numbers_an_area() -> None:
    inside = [f"+1202555{line:04d}" for line in range(10**4)]
    assert [n for n in inside if is_drama_number(n)] == inside[100:200]
    assert is_drama_number("+14165550142")
    assert not is_drama_number("+11025550142")  # no area code begins with 1


@pytest.mark.parametrize(
    "text", ["", "07700 900123", "447700900123", "+4477009001234", "+44770090012"]
)
def test_only_whole_e164_numbers_are_drama_numbers(text: str) -> None:
    assert not is_drama_number(text)


@pytest.mark.parametrize(
    "text", ["07700 900123", "7700900123", "+44 7700 900123", "+44 (0)7700 900123", "447700900123"]
)
def test_a_demonstration_may_use_numbers_kept_for_fiction(text: str) -> None:
    assert read_number(text, "GB", allow_drama=True) == MOBILE
    with pytest.raises(InvalidPhoneNumberError):
        read_number(text, "GB")


def test_every_drama_range_but_the_premium_one_works_in_a_demonstration() -> None:
    for thousand in UK_DRAMA:
        e164 = f"{thousand}123"
        if thousand == "+449098790":
            with pytest.raises(InvalidPhoneNumberError):
                read_number(e164, "GB", allow_drama=True)
        else:
            assert read_number(e164, "US", allow_drama=True) == e164
            assert read_number("0" + e164[3:], "GB", allow_drama=True) == e164


def test_a_demonstration_takes_no_other_invalid_number() -> None:
    with pytest.raises(InvalidPhoneNumberError):
        read_number("07700 901000", "GB", allow_drama=True)
