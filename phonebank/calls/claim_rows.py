"""The query that reads a contact for a claim, and the statement that writes the open call. A claim
gives a caller the next contact. The statement writes the call only if the rows that the claim read
have not changed."""

import json
import uuid
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import Row, bindparam, func, literal_column, null, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import aliased, joinedload

from phonebank.calls.earlier_call import EARLIER_CALL
from phonebank.calls.hold import PERSON_COLUMNS, OpenCall
from phonebank.contact_queue.number_rest import (
    called_elsewhere,
    last_called_elsewhere,
    last_called_in,
)
from phonebank.contact_queue.sql_conditions import CONTACT_IS_CALLABLE, one_has_no_open_call
from phonebank.core.db import begin_transaction, db
from phonebank.core.statement import Statement
from phonebank.experiments.script_choice import ScriptChoice, script_options
from phonebank.models import Caller, Contact, ContactList, ContactState
from phonebank.roster.pace import sights_seen
from phonebank.suppressions.contacts import HAS_SUPPRESSED_NUMBER, has_suppressed_number

# For how long a claim without locks waits for another transaction, as a PostgreSQL setting.
PATIENCE = "50ms"

# The caller's page shows at most this many other people of the contact's household.
HOUSEHOLD_AT_MOST = 9

# Statements are built once, because building them takes longer than PostgreSQL takes to answer.
_other, _list_of_other = aliased(Contact), aliased(ContactList)
_may_be_asked_for = _other.suppressed_at.is_(None) & _list_of_other.removed.is_(False)
_household = (
    select(func.json_build_array(_other.id, _other.first_name, _other.last_name, _may_be_asked_for))
    .join(_list_of_other, _list_of_other.id == _other.contact_list_id)
    .where(
        _other.phone == Contact.phone,
        _other.campaign_id == Contact.campaign_id,
        _other.id != Contact.id,
        _other.state == ContactState.CALLABLE,
    )
    .order_by(_other.id)
    .limit(HOUSEHOLD_AT_MOST)
)
_SELECT_CALLABLE = (
    select(
        *PERSON_COLUMNS,
        Contact.callback_at,
        Contact.callback_caller_id,
        literal_column("contact.xmin::text").label("row_version"),
        func.array(_household.scalar_subquery()).label("household"),
        script_options(Contact.campaign_id.expression).label("words"),
        sights_seen().label("sights"),
        EARLIER_CALL,
        null().label("called_elsewhere"),
    )
    .join(ContactList, ContactList.id == Contact.contact_list_id)
    .where(
        Contact.id == bindparam("contact_id"),
        CONTACT_IS_CALLABLE,
        Contact.callable_at <= bindparam("at"),
        ContactList.removed.is_(False),
        ~has_suppressed_number(),
    )
)
# The last column needs a look-up, so only a campaign that shares numbers with another reads it.
_CALLABLE = Statement(_SELECT_CALLABLE)
_CALLABLE_BESIDE_OTHERS = Statement(
    _SELECT_CALLABLE.with_only_columns(
        *list(_SELECT_CALLABLE.selected_columns)[:-1],
        literal_column(called_elsewhere("contact")).label("called_elsewhere"),
    )
)
_CALLER = (
    select(Caller)
    .options(joinedload(Caller.campaign), joinedload(Caller.party))
    .where(Caller.id == bindparam("caller_id"))
    .execution_options(populate_existing=True)
)
_LOCK = text("""
SELECT FROM contact JOIN caller ON caller.id = :caller_id
WHERE contact.id = :contact_id FOR NO KEY UPDATE OF contact, caller
""")
# A change that commits before this statement begins is always respected. Examples are a pause, a
# removal and a do-not-call entry. The statement does not see a change that commits later, so it
# must not wait long. It skips locked rows. It may still have to wait for another open call to the
# number or for a lock on the campaign, at most for `:patience`. The statement gives the caller's
# row a new version. So if two tabs claim at once, only one of them gets a contact. The other claims
# again and then counts that contact as seen.
_OPEN_CALL_WORDS = f"""
WITH unchanged AS MATERIALIZED (
    SELECT contact.phone
    FROM contact
    JOIN contact_list ON contact_list.id = contact.contact_list_id
    JOIN caller ON caller.id = :caller_id
    JOIN campaign ON campaign.id = caller.campaign_id
    LEFT JOIN party ON party.id = caller.party_id
    WHERE contact.id = :contact_id
      AND contact.xmin = CAST(:contact_version AS xid)
      AND caller.xmin = CAST(:caller_version AS xid)
      AND campaign.xmin = CAST(:campaign_version AS xid)
      AND party.xmin IS NOT DISTINCT FROM CAST(:party_version AS xid)
      AND NOT contact_list.removed AND NOT {HAS_SUPPRESSED_NUMBER}
      AND %s
      AND set_config('lock_timeout', coalesce(:patience, current_setting('lock_timeout')), true)
          IS NOT NULL
    FOR NO KEY UPDATE OF contact, caller SKIP LOCKED
), seen AS (
    UPDATE caller SET seen_at = :at FROM unchanged WHERE caller.id = :caller_id
    RETURNING campaign_id, party_id, unchanged.phone
)
INSERT INTO call (id, campaign_id, contact_id, caller_id, party_id, script_version_id,
                  experiment_arm_id, phone, household, started_at, expires_at, reached,
                  conversation, yes, counted, late, note, too_fast, turn)
SELECT CAST(:id AS uuid), campaign_id, :contact_id, :caller_id, party_id,
       CAST(:script_version_id AS integer), CAST(:experiment_arm_id AS integer), phone,
       CAST(:household AS jsonb), :at, :until, false, false, false, false, false, '', false, 0
FROM seen
ON CONFLICT DO NOTHING
RETURNING id
"""  # noqa: S608
_OPEN_CALL = Statement(_OPEN_CALL_WORDS % "true")
# This statement is for a number that another campaign has too. An outcome in that campaign changes
# no row of this campaign, so the statement looks for it. It sees either that outcome or the open
# call before it.
_OPEN_CALL_BESIDE_OTHERS = Statement(
    _OPEN_CALL_WORDS
    % f"""{one_has_no_open_call("contact")}
      AND {last_called_elsewhere("contact")}
          IS NOT DISTINCT FROM CAST(:last_called_elsewhere AS timestamptz)"""
)
_SET_DATES = text("UPDATE call SET started_at = :at, expires_at = :until WHERE id = :id")


def read_contact(contact_id: int, caller: Caller, at: datetime) -> Row[*tuple[Any, ...]] | None:
    """Return the contact's row if the contact may be called at `at` (aware), otherwise None.

    Besides the columns of `Person`, the row has `callback_at`, `callback_caller_id` and these
    columns:

    - `row_version`: the version of the contact's row
    - `household`: for each other contact in the household (up to HOUSEHOLD_AT_MOST), an array of
      the contact's id, first name and last name, and whether the caller may ask for that person
    - `words`: the scripts from which `choose_script` chooses
    - `sights`: how many contacts the caller has seen recently, for `Sights.of`
    - `earlier`: the earlier call to continue, for `EarlierCall.of`
    - `called_elsewhere`: the calls to the number in other campaigns, for `number_rest.rests_until`;
      None if no other campaign has the number, or if the caller's campaign is not marked as sharing
      numbers
    """
    statement = _CALLABLE_BESIDE_OTHERS if caller.campaign.shares_numbers else _CALLABLE
    values = {"contact_id": contact_id, "caller_id": caller.id, "at": at}
    row: Row[*tuple[Any, ...]] | None = statement.row(values)
    return row


def read_caller(caller_id: int) -> Caller | None:
    """Read the caller, the campaign and the party again. Return the caller, or None if there is no
    such caller."""
    return db.session.scalar(_CALLER, {"caller_id": caller_id})


def lock_rows(contact_id: int, caller_id: int) -> None:
    """Roll back the current transaction, begin a new one, and lock the contact and the caller.

    Afterwards, the claim must read the rows again, in separate statements. A statement that waits
    for one row sees all other rows as they were before the wait.
    """
    db.session.rollback()
    begin_transaction()
    db.session.execute(_LOCK, {"contact_id": contact_id, "caller_id": caller_id})


def write_call(
    call: OpenCall,
    caller: Caller,
    contact: Row[*tuple[Any, ...]],
    words: ScriptChoice,
    until: datetime,
    is_locked: bool,
) -> bool:
    """Write the open call, whose hold expires at `until` (aware). Also store that the caller's
    screen is open.

    Return False if nothing was written, for one of these reasons:

    - the caller, the campaign, the party or the contact has changed since it was read
    - the contact's list has been paused
    - the number has been put on the do-not-call list, or has been called in another campaign
    - there is another open call with the same contact, number or caller
    - `is_locked` is False (this transaction has not locked the rows), and another transaction has
      locked one of the rows
    """
    values = {
        "id": call.id,
        "contact_id": contact.id,
        "caller_id": caller.id,
        "contact_version": contact.row_version,
        "caller_version": caller.row_version,
        "campaign_version": caller.campaign.row_version,
        "party_version": caller.party.row_version if caller.party else None,
        "script_version_id": words.script_version_id,
        "experiment_arm_id": words.experiment_arm_id,
        "household": json.dumps(call.household),
        "at": call.started_at,
        "until": until,
        "patience": None if is_locked else PATIENCE,
    }
    if contact.called_elsewhere:
        values["last_called_elsewhere"] = last_called_in(contact.called_elsewhere)
    try:
        statement = _OPEN_CALL_BESIDE_OTHERS if contact.called_elsewhere else _OPEN_CALL
        return statement.scalar(values) is not None
    except OperationalError as error:
        if is_locked or not isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise
        return False


def set_dates(call_id: uuid.UUID, at: datetime, until: datetime) -> None:
    """Store when the call began and when its hold expires (both aware)."""
    db.session.execute(_SET_DATES, {"id": call_id, "at": at, "until": until})
