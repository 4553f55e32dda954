"""Lists with the same name are told apart where organisers choose or compare lists."""

from datetime import UTC, datetime

from phonebank.lists.services import names_of
from phonebank.models import ContactList


def create_list(list_id: int, name: str, day: int, people: int) -> ContactList:
    uploaded = datetime(2026, 11, day, 12, tzinfo=UTC)
    return ContactList(id=list_id, name=name, created_at=uploaded, rows_stored=people)


def test_lists_with_the_same_name_are_told_apart() -> None:
    lists = [
        create_list(1, "Ward list", 29, 1200),
        create_list(2, "Members", 29, 1200),
        create_list(3, "Ward list", 30, 1),
    ]
    assert names_of(lists) == {
        1: "Ward list (29 November 2026, 1,200 people)",
        2: "Members",
        3: "Ward list (30 November 2026, 1 person)",
    }


def test_lists_that_are_the_same_in_all_else_have_their_number() -> None:
    lists = [create_list(1, "Ward list", 29, 3), create_list(2, "Ward list", 29, 3)]
    assert names_of(lists) == {
        1: "Ward list (29 November 2026, 3 people, number 1)",
        2: "Ward list (29 November 2026, 3 people, number 2)",
    }
