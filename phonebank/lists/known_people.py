"""Finds the people in a batch who are already in the campaign, and updates their values.

The rows are in the temporary table `incoming` (see `persist`). An organiser chooses the values that
are updated. All other values stay as they are, except those that follow from the chosen ones: a new
postcode, for example, can mean a new time zone. The calling code commits.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row as SqlRow
from sqlalchemy import TextClause, select, text

from phonebank.core.db import db
from phonebank.csv_input.column_mapping import (
    FIELD,
    FIELDS,
    IGNORE,
    KEPT_AS_FIELDS,
    NAME_TARGETS,
    PHONE_TARGETS,
    Mapping,
)
from phonebank.csv_input.yes_no_columns import MARKS
from phonebank.models import Contact, ContactList, ContactState, ListState
from phonebank.models.state_column import state_sql

# The names of the two groups of columns that are updated together: a name has two parts, and a
# person's numbers are in the order of calling.
NAME = "name"
NUMBERS = "numbers"
TAGS = "tags"
_ALONE = ("external_id", "postcode", "email", "language", "time_zone")
# A person's time zone follows from these columns.
_TELL_THE_ZONE = frozenset({NUMBERS, "postcode", "time_zone"})
_ZONE = "zone_key"

# Finds the person to whom an incoming row belongs: by the ID in the sender's own list, or else by
# number and name. If several people have that ID, the person who was stored first is taken. People
# on hidden lists are not found, unless they moved to the list that is being imported. A row clashes
# if somebody else has its number and name, or the number and name that the person would get.
_SHOWN = """(
    contact_list_id <> ALL (CAST(:hidden AS integer[])) OR EXISTS (
        SELECT FROM contact_change AS moved
        WHERE moved.contact_list_id = CAST(:own_list AS integer) AND moved.contact_id = people.id
    )
)"""
_NEW_PHONE = "CASE WHEN :numbers THEN i.phone ELSE found.phone END"
_NEW_NAME_KEY = (
    "CASE WHEN :names AND (i.first_name || i.last_name <> '' OR :empties)"
    " THEN i.name_key ELSE found.name_key END"
)


def find_in(people: str, found: str, is_taken: str) -> TextClause:
    """Return an SQL statement that finds, for each row of `incoming`, the person to whom the row
    belongs. The statement searches the table or view `people`.

    `found` is SQL that joins, under the name `found`, the database row of the person who was found.
    `is_taken` is an SQL condition. It is true if somebody other than this person has a certain
    number and name. In the condition, `{phone}` and `{name_key}` stand for the number and the name.
    """
    of_row = is_taken.format(phone="i.phone", name_key="i.name_key")
    of_update = is_taken.format(phone=_NEW_PHONE, name_key=_NEW_NAME_KEY)
    return text(f"""
SELECT i.ordinal, found.id AS contact_id, found.contact_list_id, list.state = :undone AS is_undone,
       {of_row} OR (:rekeys AND {of_update}) AS clashes,
       {_NEW_PHONE} || ' ' || {_NEW_NAME_KEY} AS new_key,
       NOT to_jsonb(i.other_phones || i.phone) <@ (found.other_phones || to_jsonb(found.phone))
           AS has_new_number
FROM incoming i
CROSS JOIN LATERAL (SELECT coalesce(
    (SELECT min(id) FROM (
        SELECT id FROM {people} AS people
        WHERE campaign_id = :campaign_id AND external_id = i.external_id AND {_SHOWN} OFFSET 0
    ) AS with_id),
    (SELECT id FROM {people} AS people
     WHERE campaign_id = :campaign_id AND phone = i.phone AND name_key = i.name_key
       AND (external_id IS NULL OR i.external_id IS NULL OR external_id = i.external_id)
       AND {_SHOWN})
) AS id) AS known
{found}
JOIN contact_list AS list ON list.id = found.contact_list_id
""")  # noqa: S608


FIND = find_in(
    "contact",
    "JOIN contact AS found ON found.id = known.id",
    "EXISTS (SELECT FROM contact AS other WHERE other.campaign_id = :campaign_id"
    " AND other.phone = {phone} AND other.name_key = {name_key} AND other.id <> found.id)",
)
# The tags of known people in their rows. A file adds tags, and takes none away. A tag is new in the
# first row that has it.
SENT_TAGS = """
sent AS (
    SELECT known.ordinal, contact.id AS contact_id, tag
    FROM unnest(CAST(:ordinals AS integer[]), CAST(:contact_ids AS bigint[]))
        AS known(ordinal, contact_id)
    JOIN incoming i ON i.ordinal = known.ordinal AND i.tags <> '[]'
    JOIN contact ON contact.id = known.contact_id AND contact.phone <> ''  -- not erased
    CROSS JOIN LATERAL jsonb_array_elements_text(i.tags) AS tag
    ORDER BY contact.id {lock}
), new AS (
    SELECT DISTINCT ON (contact_id, tag) * FROM sent WHERE NOT EXISTS (
        SELECT FROM contact_tag AS present
        WHERE present.contact_id = sent.contact_id AND present.tag = sent.tag
    ) {also} ORDER BY contact_id, tag, ordinal
)
"""
_TAG = text(f"""
WITH {SENT_TAGS.format(lock="FOR KEY SHARE OF contact", also="")}, tagged AS (
    INSERT INTO contact_tag (contact_id, tag, contact_list_id)
    SELECT contact_id, tag, :list_id FROM sent ON CONFLICT DO NOTHING
)
SELECT DISTINCT ordinal FROM new
""")  # noqa: S608


@dataclass(frozen=True)
class UpdatePlan:
    """Says which data a file updates for people who are already in the campaign.

    `parts` may contain NAME, NUMBERS, TAGS, and single columns such as "postcode". `fields` has the
    names of the other fields that are updated: "town", "address" and the list's own fields. If
    `empties` is true, an empty cell deletes the stored value. Otherwise the stored value stays.
    Updates of numbers and of the time zone do not depend on `empties`: those of the file's row
    always replace the stored ones. An empty cell never deletes an "external_id" or a tag.

    If `moves` is true, a person who gets a new number moves to the file's list. The reason is
    screening, the comparison of a list with the register of people who do not want calls. The
    screening of the person's old list did not include the new number.
    """

    parts: frozenset[str] = frozenset()
    fields: tuple[str, ...] = ()
    empties: bool = False
    moves: bool = False

    @classmethod
    def of(cls, targets: Collection[str], empties: bool = False, moves: bool = False) -> UpdatePlan:
        """Return the plan that updates these targets."""
        parts = {part for target in targets if (part := _part_of(target))}
        fields = {name for target in targets if (name := _field_of(target))}
        return cls(frozenset(parts), tuple(sorted(fields)), empties, moves)

    def __bool__(self) -> bool:
        return bool(self.parts or self.fields)

    @property
    def columns(self) -> list[str]:
        """The columns of the table `contact` whose values may change, in a fixed order."""
        columns = []
        if NAME in self.parts:
            columns += ["first_name", "last_name", "name_key"]
        if NUMBERS in self.parts:
            columns += ["phone", "phone_original", "other_phones", "state"]
            columns += ["contact_list_id"] * self.moves
        columns += [part for part in _ALONE if part in self.parts and part != "time_zone"]
        if self.parts & _TELL_THE_ZONE:
            columns.append(_ZONE)
        return columns + ["fields"] * bool(self.fields)


def updatable_targets(mapping: Mapping) -> list[str]:
    """Return the targets (fields such as "postcode") that an update from this file may change. They
    are in the order of the file's columns, without repetitions.

    Name targets are only included if the file has full names, or both first and last names. If only
    first names were updated, a person could get the first name of one person and the last name of
    another.
    """
    has_name = "full_name" in mapping.columns or {"first_name", "last_name"} <= set(mapping.columns)
    return [
        target
        for target in dict.fromkeys(mapping.targets)
        if target != IGNORE and target not in MARKS and (has_name or target not in NAME_TARGETS)
    ]


def name_of_part(target: str) -> str:
    """Return the label that pages show for a target (a field such as "mobile"). Targets that are
    updated together have the same label."""
    if target in NAME_TARGETS:
        return "Name"
    if target in PHONE_TARGETS:
        return "Phone numbers"
    if target == TAGS:
        return "Tags: new ones are added, and none are taken away"
    return FIELDS.get(target) or target.removeprefix(FIELD)


def part_of(target: str) -> str:
    """Return the part of a person's data to which a target (a field such as "mobile") belongs.
    Fields that are updated together belong to the same part."""
    return _part_of(target) or target


def learn_sizes() -> None:
    """Update PostgreSQL's statistics about contacts before many contacts are looked up.

    Right after the first import, the statistics still say that the table is empty. To PostgreSQL,
    no index would then seem better than another. It might choose an index by which it reads all of
    the campaign's contacts to find each person.
    """
    db.session.execute(text("ANALYZE contact (campaign_id, external_id, phone, name_key)"))


def undone_lists(campaign_id: int) -> list[int]:
    """Return the ids of the campaign's lists whose import was undone."""
    undone = select(ContactList.id).where(
        ContactList.campaign_id == campaign_id, ContactList.state == ListState.UNDONE
    )
    return list(db.session.scalars(undone))


def find_values(campaign_id: int, plan: UpdatePlan, own_list: int | None = None) -> dict[str, Any]:
    """Return the parameters of FIND. `own_list` is the id of the list that is being imported, if
    any. With `own_list`, FIND does not find people on undone lists or on `own_list`. But it does
    find people whom the import has moved to `own_list`."""
    hidden = [] if own_list is None else [own_list, *undone_lists(campaign_id)]
    keys = plan.parts & {NAME, NUMBERS}
    return {
        "campaign_id": campaign_id,
        "undone": ListState.UNDONE,
        "own_list": own_list,
        "hidden": hidden,
        "numbers": NUMBERS in plan.parts,
        "names": NAME in plan.parts,
        "empties": plan.empties,
        # False if all people keep their number and name, or all get those of their row.
        "rekeys": bool(keys) and not (len(keys) == 2 and plan.empties),
    }


def known_rows(
    campaign_id: int, plan: UpdatePlan, own_list: int, find: TextClause = FIND
) -> Sequence[SqlRow[Any]]:
    """Return the rows of `incoming` that belong to people who were in the campaign before the
    import. Rows of people from undone uploads are left out. `find` is FIND, or another statement
    that `find_in` has returned.

    Each result has `ordinal`, `contact_id` and `contact_list_id`. `new_key` is the number and name
    that the person would get. `clashes` is true if somebody else already has that number and name,
    or the number and name in the row.
    """
    rows = db.session.execute(find, find_values(campaign_id, plan, own_list)).all()
    return sorted(rows, key=lambda row: row.ordinal)


def without_clashes(known: Sequence[SqlRow[Any]]) -> list[SqlRow[Any]]:
    """Return the rows that may update the people to whom they belong. Rows that clash with somebody
    else are left out. If several rows would give the same number and name to different people, only
    the rows that belong to the first of these people are returned."""
    owners: dict[str, int] = {}
    return [
        row
        for row in known
        if not row.clashes and owners.setdefault(row.new_key, row.contact_id) == row.contact_id
    ]


def read_changes(
    plan: UpdatePlan, known: Sequence[SqlRow[Any]], list_id: int
) -> Sequence[SqlRow[Any]]:
    """Find out what an update by this list would change. Nothing is changed yet, and changes to
    tags are not included. Each result has the row's `ordinal` and the contact's `id`. `before` and
    `after` have the old and the new value of each column that would change. If several rows would
    change the same person, only the changes by the first of these rows are returned.
    """
    if not (known and plan.columns):
        return []
    read = "SELECT ordinal, id, before, after FROM changed"
    statement = text(_changed(plan, read))
    return db.session.execute(statement, _values(plan, known) | {"list_id": list_id}).all()


def update_known(contact_list: ContactList, plan: UpdatePlan, known: Sequence[SqlRow[Any]]) -> int:
    """For people who are already in the campaign, store the new values and tags from their rows of
    `incoming`. Store the old values, so that the update can be undone. Return how many rows changed
    something.

    If several rows of the file belong to the same person, only one row sets the person's values:
    the first row that changes a value. This row may have been in an earlier batch. If the plan
    includes tags, every row adds its tags.
    """
    if not known:
        return 0
    values = _values(plan, known) | {"list_id": contact_list.id}
    tagged = set(db.session.scalars(_TAG, values)) if TAGS in plan.parts else set()
    if not plan.columns:
        return len(tagged)
    sets = ", ".join(f"{column} = changed.new_{column}" for column in plan.columns)
    write = f"""
, written AS (
    UPDATE contact SET {sets} FROM changed
    WHERE contact.id = changed.id AND contact.id = ANY (ARRAY(SELECT id FROM changed))
), noted AS (
    INSERT INTO contact_change (contact_list_id, contact_id, before, after)
    SELECT :list_id, id, before, after FROM changed
)
SELECT id, ordinal FROM changed
"""  # noqa: S608
    new_ones = (
        "AND NOT EXISTS (SELECT FROM contact_change AS earlier"
        " WHERE earlier.contact_list_id = :list_id AND earlier.contact_id = known.contact_id)"
    )
    statement = text(_changed(plan, write, new_ones, "FOR UPDATE"))
    changed = db.session.execute(statement, values).all()
    if "contact_list_id" in plan.columns:
        moved = select(Contact.zone_key, Contact.language).where(
            Contact.id.in_([row.id for row in changed]), Contact.contact_list_id == contact_list.id
        )
        rows = db.session.execute(moved.distinct()).all()
        widen_lists(
            {contact_list.id}, {row.zone_key for row in rows}, {row.language for row in rows}
        )
    return len(tagged.union(row.ordinal for row in changed))


def drop_incoming(ordinals: Collection[int]) -> None:
    """Delete the rows of `incoming` with these row numbers."""
    statement = text("DELETE FROM incoming WHERE ordinal = ANY(CAST(:ordinals AS integer[]))")
    db.session.execute(statement, {"ordinals": list(ordinals)})


def widen_lists(
    list_ids: Collection[int], zone_keys: Collection[str], languages: Collection[str]
) -> None:
    """Add time zones and languages to the lists with these ids. People with these time zones and
    languages may now be on the lists. When the queue of people to call is refilled, a list's
    contacts are read by time zone and language."""
    query = select(ContactList).where(ContactList.id.in_(list_ids)).order_by(ContactList.id)
    for contact_list in db.session.scalars(query.with_for_update(key_share=True)):
        contact_list.zone_keys = sorted({*zone_keys, *contact_list.zone_keys})
        contact_list.languages = sorted({*languages, *contact_list.languages})
    db.session.flush()


def _part_of(target: str) -> str:
    if target in NAME_TARGETS:
        return NAME
    if target in PHONE_TARGETS:
        return NUMBERS
    return target if target in (*_ALONE, TAGS) else ""


def _field_of(target: str) -> str:
    if target in KEPT_AS_FIELDS:
        return target
    return target.removeprefix(FIELD) if target.startswith(FIELD) else ""


def _values(plan: UpdatePlan, known: Sequence[SqlRow[Any]]) -> dict[str, Any]:
    return {
        "ordinals": [row.ordinal for row in known],
        "contact_ids": [row.contact_id for row in known],
        "empties": plan.empties,
        "fields": list(plan.fields),
    }


def _changed(plan: UpdatePlan, then: str, also: str = "", lock: str = "") -> str:
    """Return an SQL statement that defines the table expression `changed` and ends with the SQL in
    `then`. The SQL in `then` may use `changed`. `changed` has one row for each person whom the
    update would change. The row has the new values, and the values of `before` and `after` for the
    table `contact_change`."""
    columns = plan.columns
    new = ", ".join(
        f"{_NEW.get(column, _TEXT.format(column))} AS new_{column}" for column in columns
    )
    old = ", ".join(columns)
    olds, news = _as_json(columns, ""), _as_json(columns, "new_")
    differs = " OR ".join(f"{column} IS DISTINCT FROM new_{column}" for column in columns)
    # Only changed values are stored, so that an undo leaves all other values alone.
    sql = f"""
WITH sent AS (
    SELECT i.*, known.contact_id
    FROM unnest(CAST(:ordinals AS integer[]), CAST(:contact_ids AS bigint[]))
        AS known(ordinal, contact_id)
    JOIN incoming i ON i.ordinal = known.ordinal
    WHERE CAST(:empties AS boolean) IS NOT NULL AND CAST(:fields AS text[]) IS NOT NULL
        {also}
), present AS (
    SELECT id, {old} FROM contact WHERE id IN (SELECT contact_id FROM sent) ORDER BY id {lock}
), compared AS (
    SELECT sent.ordinal, present.*, {new} FROM sent JOIN present ON present.id = sent.contact_id
), changed AS (
    SELECT DISTINCT ON (id) *, {olds} AS before, {news} AS after FROM compared WHERE {differs}
    ORDER BY id, ordinal
)
{then}
"""  # noqa: S608
    return (
        state_sql(sql, unusable=ContactState.UNUSABLE, callable=ContactState.CALLABLE)
        if (NUMBERS in plan.parts)
        else sql
    )


def _as_json(columns: list[str], prefix: str) -> str:
    pairs = " || ".join(
        f"CASE WHEN {column} IS DISTINCT FROM new_{column}"
        f" THEN jsonb_build_object('{column}', {prefix}{column}) ELSE '{{}}' END"
        for column in columns
    )
    return f"({pairs})"


# The new value of most columns is the row's value. If the row's value is empty and empty cells
# don't delete, it is the old value.
_TEXT = "CASE WHEN coalesce(sent.{0}, '') <> '' OR :empties THEN sent.{0} ELSE present.{0} END"
_HAS_NAME = (
    "CASE WHEN sent.first_name || sent.last_name <> '' OR :empties"
    " THEN sent.{0} ELSE present.{0} END"
)
_NEW = {
    "first_name": _HAS_NAME.format("first_name"),
    "last_name": _HAS_NAME.format("last_name"),
    "name_key": _HAS_NAME.format("name_key"),
    "phone": "CAST(sent.phone AS varchar)",
    "phone_original": "sent.phone_original",
    "other_phones": "to_jsonb(sent.other_phones)",
    # A person without a working number can be called again when the file has a number that may
    # work.
    "state": "CASE WHEN present.state = :unusable AND present.phone <> sent.phone"
    " THEN :callable ELSE present.state END",
    "contact_list_id": "CASE WHEN to_jsonb(sent.other_phones || sent.phone)"
    " <@ (present.other_phones || to_jsonb(present.phone))"
    " THEN present.contact_list_id ELSE :list_id END",
    # A person keeps the ID by which they were found.
    "external_id": "coalesce(sent.external_id, present.external_id)",
    "zone_key": "sent.zone_key",
    "fields": """
        CASE WHEN :empties THEN present.fields - CAST(:fields AS text[]) ELSE present.fields END
        || coalesce((SELECT jsonb_object_agg(key, value) FROM jsonb_each(sent.fields)
                     WHERE key = ANY (CAST(:fields AS text[]))), '{}')""",
}
