"""Which columns of a do-not-call file may be read as numbers."""

from hypothesis import given
from hypothesis import strategies as st

from phonebank.suppressions.file_reader import read_numbers_in, read_table


@given(
    ids=st.integers(10**9, 10**10 - 1),
    date=st.dates().map(lambda day: day.strftime("%d.%m.%Y")),
    name=st.sampled_from(
        ["ID", "Member ID", "Mitgliedsnummer", "URN", "Nr", "Datum", "Account no"]
    ),
)
def test_no_id_and_no_date_is_ever_a_number(ids: int, date: str, name: str) -> None:
    table = read_table(f"{name},Phone,When\n{ids},020 7946 0700,{date}\n".encode())
    assert table.guessed == (1,)
    assert table.columns[0].holds_other_data
    assert read_numbers_in(table, (2,), "DE").phones == []
