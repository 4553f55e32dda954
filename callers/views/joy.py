"""The words that celebrate a call, such as a caller's first yes."""

from typing import Any

# An hour is a caller's best only if an earlier hour had at least this many conversations. Boards
# have the same rule.
BEST_FROM = 2


def describe_joy(last: Any, goal: int, team_before: int) -> str:
    """Return the words for a caller's last recorded call; empty for most calls.

    `last` is a row of `page_data.LAST_AND_TOTALS`, `goal` the party's goal, or 0 without a party.
    The team's goal is news in the first call that the caller records after it was reached, so
    `team_before` is the party's conversations when the caller recorded the call before.
    """
    if goal and last.team >= goal > team_before:
        talks = "conversation" if goal == 1 else "conversations"
        return f"Your team has reached its goal: {goal:,} {talks}!"
    if last.yes and last.yeses == 1:
        return "Your first yes!"
    if not last.conversation:
        return ""
    if last.conversations == 1:
        return "Your first conversation!"
    is_best = last.best_before >= BEST_FROM and last.this_hour == last.best_before + 1
    if is_best and not last.too_fast:
        return f"Your best hour so far: {last.this_hour} conversations."
    return ""
