"""The people that the tests make share nothing by accident."""

from pathlib import Path

from tests.factories import own_number

TESTS = Path(__file__).parent


def test_no_test_names_a_number_that_the_factory_gives_out() -> None:
    start = own_number(0)[:-3]
    assert own_number(1000) == own_number(0)
    named = [
        str(path.relative_to(TESTS))
        for path in TESTS.rglob("*.py")
        if path.name != "factories.py" and start in path.read_text(encoding="utf-8")
    ]
    assert named == []
