"""The guide on calling rules has the defaults' numbers."""

from pathlib import Path

from phonebank.rules.outcomes import (
    NOT_AN_ATTEMPT,
    OUTCOMES,
    RETRIED,
    TAKES_CALLBACK,
)
from tests.phonebank.rules.examples import DEFAULT, after

PAGE = (Path(__file__).parents[3] / "docs" / "calling-rules.md").read_text(encoding="utf-8")


def rows_of_the_page() -> dict[str, list[str]]:
    """The cells of each outcome's row in the table, by its label."""
    return {
        cells[1]: cells
        for line in PAGE.splitlines()
        if len(cells := [cell.strip() for cell in line.split("|")]) == 6
    }


def test_the_page_for_organisers_names_what_becomes_of_the_person() -> None:
    rows = rows_of_the_page()
    for key, outcome in OUTCOMES.items():
        becomes, again = rows[outcome.label][2].strip("*"), rows[outcome.label][3]
        state = after(key).state
        if state == "callable":
            assert becomes.startswith("stays"), key
            continue
        assert again == ("never" if state == "suppressed" else "none"), key
        if state == "suppressed":
            assert becomes.startswith("nobody calls this number again"), key
        elif outcome.number_bad:
            whose = "everyone" if outcome.number_dead else "them"
            assert becomes.startswith(f"this number is dropped for {whose}"), key
        else:
            assert becomes.startswith("done"), key


def test_the_page_for_organisers_gives_the_same_numbers() -> None:
    rows = rows_of_the_page()
    for key, outcome in OUTCOMES.items():
        assert outcome.label in rows
        if key in RETRIED:
            assert rows[outcome.label][3:5] == _rule_on_the_page(key), outcome.label
    assert (
        f"{DEFAULT.attempts_at_most} attempts at most, "
        f"{DEFAULT.attempts_a_day_at_most} a day at most" in PAGE
    )


def _rule_on_the_page(key: str) -> list[str]:
    """A default rule as the page puts it: when next, and how often."""
    rule = DEFAULT.retries[key]
    days, hours = rule.rest_minutes / 1440, rule.rest_minutes / 60
    amount, unit = next(
        (int(n), unit)
        for n, unit in ((days, "day"), (hours, "hour"), (rule.rest_minutes, "minute"))
        if n == int(n)
    )
    when = [f"{amount} {unit}{'s' if amount > 1 else ''} later"]
    when += ["another time of day"] if rule.another_time_of_day else []
    when += ["another day"] if rule.a_day_at_most == 1 else []
    when += ["or at the time they name"] if key in TAKES_CALLBACK else []
    often = "without end" if key in NOT_AN_ATTEMPT else "as attempts last"
    return [
        ", ".join(when),
        often if rule.retries_at_most is None else str(rule.retries_at_most),
    ]
