"""Which mappings can be used, and what their fields are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonebank.csv_input.column_mapping import (
    LONGEST_FIELD_NAME,
    Mapping,
    faults_of,
    field_target,
)
from scripts_library.merge_fields import fields_in


def faults(**columns: str) -> dict[str, tuple[int, ...]]:
    return {
        f.reason: f.columns for f in faults_of(Mapping.of(list(columns), list(columns.values())))
    }


def test_a_usable_mapping_has_no_fault() -> None:
    assert faults(a="first_name", b="phone", c="phone", d="do_not_call", e="do_not_call") == {}
    assert faults(a="mobile", b="address", c="address", d="ignore", e="ignore") == {}
    assert faults(a="landline", b="field:Ward", c="field:Polling district") == {}


def test_faults_of_a_mapping_are_named() -> None:
    assert faults(a="first_name") == {"no_phone_column": ()}
    assert faults(a="phone", b="email", c="email") == {"two_columns": (1, 2)}
    assert faults(a="phone", b="field:Ward", c="field:Ward") == {"two_columns": (1, 2)}
    assert faults(a="phone", b="shoe_size") == {"unknown_target": (1,)}
    assert faults(a="phone", b="field:") == {"field_name": (1,)}
    assert faults(a="phone", b="field:" + "x" * 61) == {"field_name": (1,)}
    assert faults(a="phone", b="field:a\nb") == {"field_name": (1,)}
    assert faults(a="phone", b="town", c="field:town") == {"two_columns": (1, 2)}
    short = faults_of(Mapping.of(["Name", "Phone"], ["phone"]))
    assert [fault.reason for fault in short] == ["wrong_length"]
    message = faults_of(Mapping.of(["E-mail ", "Mail", "Tel"], ["email", "email", "phone"]))[
        0
    ].message
    assert (
        message
        == "The columns “E-mail” and “Mail” are both “E-mail”. Keep one and leave out the other."
    )


def test_numbers_are_called_in_the_order_of_choice() -> None:
    mapping = Mapping.of(list("abcde"), ["work_phone", "landline", "mobile", "phone", "mobile"])
    assert mapping.phone_columns == (3, 2, 4, 1, 0)


@pytest.mark.parametrize(
    ("header", "numbers"),
    [
        ("is_mobile_bad", (0,)),
        ("Home phone: wrong number", (0, 1)),  # the list has no home phones
        ("Work phone wrong", (1,)),
        ("Number does not work", (0, 1)),
        ("Number doesn’t work", (0, 1)),
        ("Number does not work any more", (0, 1)),
        ("Does the number work?", (0, 1)),
        ("Mobile does not work", (0,)),
        ("Work number does not work", (1,)),
        ("Does the work phone work?", (1,)),
    ],
)
def test_the_name_of_a_column_says_which_numbers_do_not_work(
    header: str, numbers: tuple[int, ...]
) -> None:
    mapping = Mapping.of(["Mobile", "Office", header], ["mobile", "work_phone", "bad_number"])
    assert mapping.numbers_of_mark(2) == numbers


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Ward", "ward"),
        ("PollingDistrict ", "polling_district"),
        ("Why\nthey care?", "why_they_care"),
        ("2019 vote", "vote"),
        ("Stadtteil/Größe", "stadtteil_grosse"),
        ("Район", ""),
    ],
)
def test_a_field_is_named_as_scripts_write_it(header: str, name: str) -> None:
    assert field_target(header) == f"field:{name}"
    if name:
        (field,) = fields_in(f"{{{{ {name} }}}}")
        assert field.name == name


@given(st.text(max_size=100))
def test_any_header_can_be_a_field_of_its_own(header: str) -> None:
    target = field_target(header)
    assert len(target) <= len("field:") + LONGEST_FIELD_NAME
    reasons = [f.reason for f in faults_of(Mapping.of([header, "Tel"], [target, "phone"]))]
    assert reasons in ([], ["field_name"])
