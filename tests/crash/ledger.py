"""A ledger of every change that matters, which triggers in the soak's own database keep.

Each entry says what a row was before and after, which transaction changed it, who acted (if the
soak did), and when that transaction committed. The software knows nothing of the ledger.

It has two times, both PostgreSQL's: `at` is when the statement changed the row, and `committed` is
when its transaction committed (`track_commit_timestamp`). Phonebank itself wrote neither of them.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from phonebank.core.db import db

# The columns that the ledger keeps, by table.
KEPT = {
    "call": (
        "phone", "campaign_id", "caller_id", "contact_id", "party_id", "started_at", "expires_at",
        "ended_at", "ending", "outcome", "turn", "counted", "late",
    ),
    "campaign": ("state", "hours"),
    "party": ("state", "paused", "break_until", "door_open"),
    "contact_list": ("state", "removed"),
    "caller": (
        "state", "campaign_id", "party_id", "first_name", "hidden", "list_ids", "languages",
    ),
    "suppression": ("phone",),
}  # fmt: skip

# The ledger keeps every value as text; the judge makes Python's own types of them.
_INSTALL = """
CREATE SCHEMA soak;
CREATE TABLE soak.ledger (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tx xid NOT NULL DEFAULT pg_current_xact_id()::xid,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL DEFAULT coalesce(current_setting('soak.actor', true), ''),
    what text NOT NULL, key text NOT NULL, before jsonb, after jsonb, beside jsonb
);
CREATE FUNCTION soak.chosen(row_ jsonb, names text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_object_agg(name, row_ -> name) FROM unnest(names) AS name
$$;
CREATE FUNCTION soak.note() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb := CASE WHEN TG_OP <> 'INSERT' THEN soak.chosen(to_jsonb(OLD), TG_ARGV) END;
    is_ jsonb := CASE WHEN TG_OP <> 'DELETE' THEN soak.chosen(to_jsonb(NEW), TG_ARGV) END;
    row_ jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
    person jsonb;
BEGIN
    IF was IS NOT DISTINCT FROM is_ THEN RETURN NULL; END IF;
    IF TG_TABLE_NAME = 'call' AND TG_OP = 'INSERT' THEN
        SELECT jsonb_build_object('list_id', contact_list_id, 'zone_key', zone_key,
                                  'language', language)
        INTO person FROM contact WHERE id = NEW.contact_id;
    END IF;
    INSERT INTO soak.ledger (what, key, before, after, beside)
    VALUES (TG_TABLE_NAME,
            coalesce(row_ ->> 'id', row_ ->> 'phone'),
            was, is_, person);
    RETURN NULL;
END $$;
"""
_TRIGGER = """
CREATE TRIGGER soak_notes AFTER INSERT OR UPDATE OR DELETE ON "{table}"
FOR EACH ROW EXECUTE FUNCTION soak.note({names});
"""
_READ = """
SELECT no, extract(epoch FROM at)::float8 AS at,
       extract(epoch FROM pg_xact_commit_timestamp(tx))::float8 AS committed,
       actor, what, key, before, after, beside
FROM soak.ledger ORDER BY no
"""


@dataclass(frozen=True)
class Entry:
    """One change of one row. `before` is None for a new row, `after` for a deleted one. `beside`
    is, for a new call, the contact's row. Times are in seconds since 1970."""

    no: int
    at: float
    committed: float
    what: str
    key: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    beside: dict[str, Any] | None = None
    actor: str = ""

    @property
    def is_new(self) -> bool:
        return self.before is None

    def changed(self, name: str) -> bool:
        """Whether this value changed. In a new or deleted row, every value did."""
        return (self.before or {}).get(name) != (self.after or {}).get(name)


def install() -> None:
    """Begin to keep the ledger. Commits."""
    db.session.execute(text(_INSTALL))
    for table, names in KEPT.items():
        quoted = ", ".join(f"'{name}'" for name in names)
        db.session.execute(text(_TRIGGER.format(table=table, names=quoted)))
    db.session.commit()


def act_as(actor: str) -> None:
    """Note the changes of this transaction as this actor's."""
    db.session.execute(text("SELECT set_config('soak.actor', :actor, true)"), {"actor": actor})


def read() -> list[Entry]:
    """The whole ledger, in the order in which rows changed."""
    rows = db.session.execute(text(_READ)).mappings()
    return [Entry(**row) for row in rows]
