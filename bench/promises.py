"""Checks in the database whether every promise to the phones was kept. The check runs after the
phones have made their calls. Examples of such promises: each outcome that the server acknowledged
is stored, no person was in two calls at the same time, and no hold ended before the time that a
renewal had promised."""

from typing import Any

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.tallies.reconcile import differences


def _in_two_calls(column: str) -> str:
    """Return a query for calls that overlap in time and have the same value in `column`, a column
    of the table `call`. The query returns these values.

    Calls that were undone are left out. An undone call is opened again after it has ended, so it
    may overlap with another call although nothing is wrong.
    """
    return f"""
        SELECT {column} FROM (
            SELECT {column}, started_at,
                   lag(ended_at) OVER (PARTITION BY {column} ORDER BY started_at) AS before,
                   row_number() OVER (PARTITION BY {column} ORDER BY started_at) AS n
            FROM call WHERE turn = 0) AS one
        WHERE n > 1 AND (before IS NULL OR before > started_at)"""


# Queries that should find nothing. What they find are ids of calls, contacts or callers.
_EXPECTED_NONE = {
    "contacts in two calls at the same time": _in_two_calls("contact_id"),
    "callers in two calls at the same time": _in_two_calls("caller_id"),
    "contacts whose attempts are not their counted calls": """
        SELECT contact.id FROM contact LEFT JOIN call ON call.contact_id = contact.id AND counted
        WHERE contact.id IN (SELECT contact_id FROM call)
        GROUP BY contact.id
        HAVING contact.attempts - CAST(contact.id IN (SELECT id FROM tried_before) AS integer)
               <> count(call.id)""",
}
_STORED = text("SELECT id::text, outcome FROM call WHERE outcome IS NOT NULL")
_TAKEN = text(
    "SELECT id::text, extract(epoch FROM ended_at)::float AS at, ending FROM call"
    " WHERE ended_at IS NOT NULL AND outcome IS NULL"
)
_NOTE_TRIED = text("CREATE TABLE tried_before AS SELECT id FROM contact WHERE attempts > 0")


def note_before() -> None:
    """Store which contacts have been tried before the phones begin, because `broken_promises` needs
    this. Commits."""
    db.session.execute(_NOTE_TRIED)
    db.session.commit()


def broken_promises(notes: dict[str, Any]) -> dict[str, list[str]]:
    """Return a list of violations for each promise, for example the ids of calls. The list is empty
    for a promise that was kept.

    `notes` is what the phones noted (see `bench.handsets`).
    """
    stored = {row.id: row.outcome for row in db.session.execute(_STORED)}
    saved, promised = notes["saved"], notes["promised"]
    broken = {
        "acknowledged and not stored as said": [
            call for call, outcome in saved.items() if stored.get(call) != outcome
        ],
        "stored and never acknowledged": [call for call in stored if call not in saved],
        "phones that were not done": notes["unsettled"],
        "what the phones saw broken": notes["broken"],
        "holds that were lost before the time they were renewed to": [
            row.id for row in db.session.execute(_TAKEN) if row.at < promised.get(row.id, 0)
        ],
        "tallies that are not the recount": [str(row) for row in differences()],
    }
    for name, query in _EXPECTED_NONE.items():
        broken[name] = [str(row[0]) for row in db.session.execute(text(query))]
    return broken
