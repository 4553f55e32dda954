"""People and outcomes, read one page at a time, for the API.

Each page begins after a given position and is read through a database index, so the last page is
read as fast as the first.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, select, text

from phonebank.core.db import db
from phonebank.core.settled import settled_moment
from phonebank.exports.people import status_sql
from phonebank.models import ContactList

_PERSON = f"""
SELECT contact.id, contact.contact_list_id, contact.external_id, contact.first_name,
       contact.last_name, contact.phone, contact.other_phones, contact.postcode, contact.email,
       contact.language, contact_list.name AS list, {status_sql()} AS status, contact.last_outcome,
       contact.attempts, contact.last_called_at, contact.callback_at, contact.created_at,
       contact.fields,
       ARRAY(SELECT DISTINCT tag FROM contact_tag
             WHERE contact_tag.contact_id = contact.id ORDER BY tag) AS tags
FROM contact JOIN contact_list ON contact_list.id = contact.contact_list_id
"""  # noqa: S608
# An erased person has only a row without a number.
_PEOPLE = text(f"""{_PERSON}
WHERE contact.contact_list_id = :list_id AND contact.id > :after AND contact.phone <> ''
ORDER BY contact.id LIMIT :at_most
""")
_ONE_PERSON = text(f"""{_PERSON}
WHERE contact.id = :id AND contact.campaign_id = :campaign_id AND contact.phone <> ''
""")
_LISTS = (
    select(ContactList.id)
    .where(
        ContactList.campaign_id == bindparam("campaign_id"), ContactList.id >= bindparam("from_id")
    )
    .order_by(ContactList.id)
)
# The calls of a campaign that have or had an outcome, after a key, in the order in which they
# changed: when they were recorded, when an organiser last corrected them, set them aside or brought
# them back, and when their outcome was undone, if they have no new one. A call that changes again
# appears again. Each branch follows a separate index.
CHANGED_OUTCOMES = "\nUNION ALL\n".join(
    f"""(SELECT id, {moment} AS changed_at FROM call
WHERE campaign_id = :campaign_id AND {condition} AND {moment} IS NOT NULL
  AND {moment} >= :since AND ({moment}, id) > (:since, :id) AND {moment} <= :settled
ORDER BY {moment}, id LIMIT :at_most)"""  # noqa: S608
    for moment, condition in (
        ("recorded_at", "recorded_at IS NOT NULL"),
        ("organiser_changed_at", "recorded_at IS NOT NULL"),
        ("reopened_at", "recorded_at IS NULL"),
    )
)
_OUTCOMES = text(f"""
SELECT call.id, call.contact_id, contact.external_id, call.outcome, call.reached,
       call.conversation, call.yes, call.note, call.started_at, call.recorded_at, changed_at,
       call.corrected_at, call.set_aside_at, caller.first_name AS caller, call.party_id,
       (SELECT jsonb_object_agg(answer.step_id, answer.value)
        FROM answer WHERE answer.call_id = call.id) AS answers
FROM (
    SELECT * FROM ({CHANGED_OUTCOMES}) AS branches ORDER BY changed_at, id LIMIT :at_most
) AS changed
JOIN call USING (id)
JOIN contact ON contact.id = call.contact_id
LEFT JOIN caller ON caller.id = call.caller_id
ORDER BY changed_at, id
""")  # noqa: S608


class PersonKey(NamedTuple):
    """A person's position in the order of the pages. People are sorted by list id, and then by
    contact id."""

    list_id: int
    contact_id: int


class OutcomeKey(NamedTuple):
    """An outcome's position in the order of the pages. Outcomes are sorted by the time of the
    change, and then by call id. `changed_at` is an aware datetime."""

    changed_at: datetime
    call_id: uuid.UUID


FIRST_PERSON = PersonKey(0, 0)


def people_after(key: PersonKey, campaign_id: int, at_most: int) -> Sequence[Row[Any]]:
    """Return up to `at_most` people of the campaign, starting after `key`. Erased people are left
    out."""
    values = {"campaign_id": campaign_id, "from_id": key.list_id}
    people: list[Row[Any]] = []
    for list_id in db.session.scalars(_LISTS, values).all():
        after = key.contact_id if list_id == key.list_id else 0
        place = {"list_id": list_id, "after": after, "at_most": at_most - len(people)}
        people += db.session.execute(_PEOPLE, place).all()
        if len(people) == at_most:
            break
    return people


def find_person(campaign_id: int, contact_id: int) -> Row[Any] | None:
    """Return one of the campaign's people, or None if the campaign has no such person or the person
    was erased."""
    values = {"campaign_id": campaign_id, "id": contact_id}
    return db.session.execute(_ONE_PERSON, values).one_or_none()


def outcomes_after(key: OutcomeKey, campaign_id: int, at_most: int) -> Sequence[Row[Any]]:
    """Return up to `at_most` recorded calls of the campaign, starting after `key`, in the order in
    which they changed. Changes after `settled_moment()` are left out. A transaction that is still
    open may yet add a change that is earlier than those. If an organiser changes a call after it
    was recorded, or its caller undoes the outcome, the call appears a second time. The outcome of
    an undone call is None. If no caller took a call, the call's caller is None."""
    values = {
        "campaign_id": campaign_id,
        "since": key.changed_at,
        "id": key.call_id,
        "settled": settled_moment(),
        "at_most": at_most,
    }
    return db.session.execute(_OUTCOMES, values).all()
