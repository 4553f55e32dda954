"""The words that celebrate a call, for example the call with a caller's first yes."""

from phonebank.calls.last_call import LastCall

# An hour counts as a caller's best only if an earlier hour had at least this many conversations.
# Boards have the same rule.
BEST_FROM = 2


def describe_joy(last: LastCall, goal: int, team_before: int) -> str:
    """Return words that celebrate the caller's last recorded call. Return "" for most calls.

    `goal` is the number of conversations that the party wants to reach, or 0 if there is no goal.
    `team_before` is the result of `page_data._team_before`. It is normally the number of the
    party's conversations at the time when the caller recorded the second-last call. So a caller is
    normally told only once that the team has reached the goal. If the caller's own call reaches the
    goal, the caller is told after this call. If another caller's call reaches the goal, the caller
    is told after the next call that they record.
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
