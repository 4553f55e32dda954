"""Tells an organiser in words how fast a file is being read and how much longer it will take."""

from datetime import datetime

# In the first moments the pace is not reliable.
SECONDS_AT_LEAST = 2.0


def describe_pace(
    done: int, total: int, since: datetime | None, at: datetime, already: int = 0
) -> str:
    """Describe the pace at the moment `at`: "9,800 rows a second, about 2 minutes left."

    `done` of `total` rows have been read. The worker that reads the file started at the moment
    `since`, when `already` rows had been read. Both moments have a time zone. Return "" in the
    first SECONDS_AT_LEAST seconds, if `since` is None, or if the worker has read no row yet.
    """
    seconds = (at - since).total_seconds() if since else 0.0
    if seconds < SECONDS_AT_LEAST or done <= already:
        return ""
    rows_a_second = (done - already) / seconds
    left = (total - done) / rows_a_second
    if left < 10:
        remaining = "a few seconds left"
    elif left < 90:
        remaining = f"about {round(left / 10) * 10} seconds left"
    elif left < 90 * 60:
        remaining = f"about {round(left / 60)} minutes left"
    else:
        remaining = f"about {round(left / 3600)} hours left"
    rows = f"{rows_a_second:,.0f} rows" if rows_a_second >= 1.5 else "About 1 row"
    rate = rows if rows_a_second >= 1 else "Less than 1 row"
    return f"{rate} a second, {remaining}."
