"""What the organiser ordered during the soak, from when until when; which calls disobeyed.

An order stands from the moment after its transaction was known to have committed, until just before
its lifting was asked for. (The commit's own time stamp would be too early: PostgreSQL takes it
before it writes the commit down, and shows the change only after. Suppressions can be held to it,
for entering one waits for every claim of that person, and every later claim for the entry.) A
claim notes its beginning before it asks how everything stands, so no allowance is made.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from phonebank.stores import db

FOR_GOOD = datetime(2200, 1, 1, tzinfo=UTC)
PAUSED, TAKEN_OUT, PUT_OUT, LIMITED = "paused", "taken out", "put out", "limited"


@dataclass
class Order:
    """About one campaign, list or caller, by its id; `limits` are (list ids, languages), no lists
    for any."""

    kind: str
    about: int
    since: datetime
    until: datetime = FOR_GOOD
    limits: tuple[list[int], list[str]] = field(default_factory=lambda: ([], []))


class Orders:
    """All of them, and which stand at the moment."""

    def __init__(self) -> None:
        self.given: dict[str, list[Order]] = defaultdict(list)
        self._standing: dict[tuple[str, int], Order] = {}

    def stands(self, kind: str, about: int, **values: Any) -> None:
        """Known to hold from now on."""
        order = Order(kind, about, datetime.now(UTC), **values)
        self.given[kind].append(order)
        self._standing[kind, about] = order

    def is_lifted(self, kind: str, about: int) -> None:
        """Perhaps holds no longer from now on: its lifting or another is asked for."""
        order = self._standing.pop((kind, about), None)
        if order is not None:
            order.until = datetime.now(UTC)


# The list of a person who came to the phone instead of another of the household is no matter of
# the hand-out's.
_DURING = """
SELECT call.id, call.started_at
FROM call JOIN contact ON contact.id = call.contact_id
JOIN unnest(CAST(:abouts AS bigint[]), CAST(:since AS timestamptz[]),
            CAST(:until AS timestamptz[])) AS orders(about, since, until)
  ON {about} = orders.about AND started_at > since AND started_at < until
WHERE NOT call.id = ANY(CAST(:passed_on AS uuid[]))
"""
_WHOSE = {
    PAUSED: "call.campaign_id",
    TAKEN_OUT: "contact.contact_list_id",
    PUT_OUT: "call.caller_id",
}

# Somebody a caller had before may be a callback of theirs, which no limits take away. A language
# that a call found out was another when the person was handed out.
_BEYOND_LIMITS = """
SELECT call.id, call.started_at
FROM call JOIN contact ON contact.id = call.contact_id
JOIN unnest(CAST(:abouts AS bigint[]), CAST(:since AS timestamptz[]),
            CAST(:until AS timestamptz[]), CAST(:lists AS text[]), CAST(:languages AS text[]))
     AS orders(about, since, until, lists, languages)
  ON call.caller_id = about AND started_at > since AND started_at < until
WHERE NOT (
        (lists = '[]' OR CAST(lists AS jsonb) @> to_jsonb(contact.contact_list_id))
        AND (contact.language = '' OR CAST(languages AS jsonb) @> to_jsonb(contact.language)
             OR EXISTS (SELECT FROM call barred
                        WHERE barred.contact_id = contact.id
                          AND barred.id = ANY(CAST(:barred AS uuid[])))))
  AND NOT call.id = ANY(CAST(:passed_on AS uuid[]))
  AND NOT EXISTS (SELECT FROM call earlier
                  WHERE earlier.caller_id = call.caller_id AND earlier.contact_id = contact.id
                    AND earlier.started_at < call.started_at)
"""


def disobeyed(orders: Orders, passed_on: set[str], barred: set[str]) -> list[str]:
    """Calls begun against an order, in sentences.

    `passed_on`: the ids of calls that perhaps went on with another of the household; `barred`: of
    those that perhaps ended with another language than was known.
    """
    faults = []
    for kind, given in orders.given.items():
        values: dict[str, Any] = {
            "abouts": [order.about for order in given],
            "since": [order.since for order in given],
            "until": [order.until for order in given],
            "passed_on": list(passed_on) if kind in (TAKEN_OUT, LIMITED) else [],
        }
        if kind == LIMITED:
            values |= {
                "lists": [json.dumps(order.limits[0]) for order in given],
                "languages": [json.dumps(order.limits[1]) for order in given],
                "barred": list(barred),
            }
        statement = _BEYOND_LIMITS if kind == LIMITED else _DURING.format(about=_WHOSE[kind])
        rows = db.session.execute(text(statement), values)
        faults += [f"handed out although {kind}: call {id_} at {at}" for id_, at in rows]
    return faults


def taken_away() -> dict[str, float]:
    """When each call was taken from its caller's screen because they were put out; by call id, in
    seconds since 1970."""
    rows = db.session.execute(
        text("SELECT id::text, ended_at FROM call WHERE ending = 'taken_away'")
    )
    return {call_id: ended_at.timestamp() for call_id, ended_at in rows}
