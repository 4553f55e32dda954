"""The SQL conditions that several queries share."""

from typing import cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from phonebank.contact_queue.sql_conditions import CONTACT_IS_CALLABLE, is_callable
from phonebank.models import Contact


def test_the_index_of_callable_contacts_has_the_words_of_the_condition() -> None:
    table = cast(Table, Contact.__table__)
    [index] = [one for one in table.indexes if one.name == "ix_contact_callable"]
    where = str(index.dialect_options["postgresql"]["where"])
    assert is_callable("contact").replace("contact.", "") == where


def test_queries_of_both_kinds_ask_the_same() -> None:
    built = CONTACT_IS_CALLABLE.compile(
        dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}
    )
    assert str(built) == is_callable("contact")
