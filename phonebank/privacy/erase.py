"""Erases people from the database's tables. The calling code commits.

A contact is a person's row in one campaign. If the person was not called in that campaign, the
contact is deleted. Otherwise the contact stays, but without personal data. The calls to the person
keep their times, their outcomes, and the answers that are a key of the script or a number. So no
total changes, and a recount still gives the same totals. `stored_files` erases people from files.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import select, text

from phonebank.contact_queue.holds import end_hold
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, NotFoundError
from phonebank.exports.files import erase_files_of
from phonebank.lists.upload_checks import forget_checks_beside
from phonebank.models import (
    Account,
    Base,
    Call,
    CallEnding,
    Caller,
    Contact,
    ContactState,
    Erasure,
    ErasureState,
    SuppressionOrigin,
    now,
)
from phonebank.models.state_column import state_text
from phonebank.privacy.person import Person
from phonebank.scripts.versions import script_of
from phonebank.suppressions.entries import suppress_all
from phonebank.suppressions.hashed_numbers import hash_entries, still_had

# An answer of these kinds is a key of the script or a number from 0 to 10, so it is kept.
COUNTED_ANSWERS = ("choice", "several", "scale")

# Calls are locked before their contacts, because recording an outcome locks in this order.
_LOCK_CALLS = text("SELECT id FROM call WHERE contact_id = ANY(:ids) ORDER BY id FOR UPDATE")
_LOCK = text("SELECT id FROM contact WHERE id = ANY(:ids) ORDER BY id FOR UPDATE")
_OPEN_CALLS = (
    select(Call)
    .where(Call.ended_at.is_(None))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_CALLED = text("SELECT DISTINCT contact_id FROM call WHERE contact_id = ANY(:ids)")
_NUMBERS = text("""
SELECT phone FROM contact WHERE id = ANY(:ids)
UNION SELECT jsonb_array_elements_text(other_phones) FROM contact WHERE id = ANY(:ids)
UNION SELECT phone FROM call WHERE contact_id = ANY(:ids)
""")
_VERSIONS = text("""
SELECT DISTINCT script_version_id FROM call
WHERE contact_id = ANY(:ids) AND script_version_id IS NOT NULL
""")
_DELETE = text("DELETE FROM contact WHERE id = ANY(:ids)")
# The new name key is unique in its campaign, and says nothing about the person.
_EMPTY = state_text(
    """
UPDATE contact SET external_id = NULL, first_name = '', last_name = '', name_key = 'erased ' || id,
    phone = '', phone_original = '', other_phones = '[]', postcode = NULL, email = NULL,
    language = '', zone_key = '', fields = '{}', state = :finished, suppressed_at = NULL,
    callback_at = NULL, callback_caller_id = NULL
WHERE id = ANY(:ids)
""",
    finished=ContactState.FINISHED,
)
_EMPTY_CALLS = text("""
UPDATE call SET phone = '', note = '', household = '[]', contact_before = NULL
WHERE contact_id = ANY(:ids)
""")
# JSON null means that the caller went past a step, so counts of steps stay the same.
_EMPTY_ANSWERS = text("""
UPDATE answer SET value = 'null' FROM call
WHERE call.id = answer.call_id AND call.contact_id = ANY(:ids)
  AND NOT EXISTS (
      SELECT FROM unnest(CAST(:versions AS integer[]), CAST(:steps AS text[]))
          AS kept(version, step)
      WHERE kept.version = call.script_version_id AND kept.step = answer.step_id
  )
""")
_EMPTY_SNAPSHOTS = text("""
UPDATE set_aside_call SET before = NULL, after = NULL, lifted_reason = NULL FROM call
WHERE call.id = set_aside_call.call_id AND call.contact_id = ANY(:ids)
""")
# Statements for every other table whose rows are about a person, such as what callers were told
# about the person. A row of `contact_sight` says nothing about the person, and stays in the access
# ledger. A row of `line` stays, because it proves that the law was obeyed.
_ABOUT_PEOPLE = [
    text(f'DELETE FROM "{key.parent.table.name}" WHERE "{key.parent.name}" = ANY(:ids)')  # noqa: S608
    for table in Base.metadata.sorted_tables
    for key in table.foreign_keys
    if key.column.table.name == "contact" and table.name not in ("call", "contact_sight", "line")
]
# A line has no data of the person, but its provider may find the number by this id.
_EMPTY_LINES = text("UPDATE line SET provider_id = NULL WHERE contact_id = ANY(:ids)")
# A correction has what the call said before, which may be the person's own words.
_DELETE_CORRECTIONS = text("""
DELETE FROM call_correction USING call
WHERE call.id = call_correction.call_id AND call.contact_id = ANY(:ids)
""")
_FORGET_DEAD = text("DELETE FROM dead_number WHERE phone = ANY(CAST(:phones AS text[]))")


class OnScreenError(ConflictError):
    """The error that is raised if a person who is to be erased is in an open call at this moment.
    `caller` is None if the telephone service is calling the person, and no caller has taken the
    call yet."""

    title = "This person is being called"

    def __init__(self, caller: Caller | None, call: Call) -> None:
        self.caller = caller
        who = (
            "The telephone service has been calling this person"
            if caller is None
            else f"{caller.first_name} has had this person on the screen"
        )
        super().__init__(
            f"{who} since {call.started_at:%H:%M} UTC.",
            "Wait until the call has ended, or end it now.",
        )


def erase_person(
    person: Person,
    contact_ids: Sequence[int],
    account: Account,
    never_again: bool,
    ends_calls: bool,
) -> Erasure:
    """Erase a person from the tables. Return the erasure. Also erase the files that were exported
    from the person's campaigns. The calling code must enqueue the job `search_files`. The row of
    the erasure tells that job whom to search for.

    With `never_again`, the person's numbers are put on the do-not-call list. A number that nobody
    else has is put there only as a hash. With `ends_calls`, an open call to the person is ended
    first. Run this function under `retry_on_deadlock`.

    Raises NotFoundError if none of the contacts is in the tables any more. Raises OnScreenError if
    the person is in an open call and `ends_calls` is False.
    """
    erased = erase_contacts(contact_ids, never_again=never_again, ends_calls=ends_calls)
    if not erased:
        raise NotFoundError(
            "Nobody has this name and number any more.", "The person's data may already be erased."
        )
    # The person may be in any file that was made before this moment.
    for campaign_id in person.campaign_ids:
        erase_files_of(campaign_id)
    erasure = Erasure(person=person.to_json(), account_id=account.id)
    db.session.add(erasure)
    db.session.flush()
    return erasure


def erase_contacts(
    contact_ids: Collection[int], never_again: bool = False, ends_calls: bool = False
) -> int:
    """Erase these contacts, and the personal data in the calls to them. Return how many contacts
    were erased.

    Do-not-call entries of numbers that nobody has any more become hashes. With `never_again`, all
    numbers of the contacts are put on the do-not-call list. With `ends_calls`, open calls to the
    contacts are ended first. Raises OnScreenError if one of the contacts is in an open call and
    `ends_calls` is False.
    """
    db.session.execute(_LOCK_CALLS, {"ids": list(contact_ids)})
    ids = list(db.session.scalars(_LOCK, {"ids": list(contact_ids)}))
    if not ids:
        return 0
    _end_calls(ids, ends_calls)
    forget_checks_beside(ids)
    those = {"ids": ids}
    numbers = {number for number in db.session.scalars(_NUMBERS, those) if number}
    called = list(db.session.scalars(_CALLED, those))
    if called:
        _empty_called(called)
    db.session.execute(_DELETE, {"ids": sorted(set(ids) - set(called))})
    db.session.expire_all()
    _forget_numbers(numbers, never_again)
    return len(ids)


def _end_calls(ids: list[int], ends_calls: bool) -> None:
    """End the open calls of these contacts. The contacts' database rows are locked, so no caller
    can get these people any more. Raises OnScreenError if there is an open call and `ends_calls` is
    False."""
    for call in db.session.scalars(_OPEN_CALLS.where(Call.contact_id.in_(ids))).all():
        if not ends_calls:
            caller = db.session.get_one(Caller, call.caller_id) if call.caller_id else None
            raise OnScreenError(caller, call)
        end_hold(call, CallEnding.TAKEN_AWAY)
    db.session.flush()


def _empty_called(ids: list[int]) -> None:
    those = {"ids": ids}
    kept = [
        (version_id, step.id)
        for version_id in db.session.scalars(_VERSIONS, those).all()
        if (script := script_of(version_id)) is not None
        for step in script.steps
        if step.answer in COUNTED_ANSWERS
    ]
    steps = {"versions": [version for version, _ in kept], "steps": [step for _, step in kept]}
    db.session.execute(_EMPTY_ANSWERS, those | steps)
    db.session.execute(_EMPTY_SNAPSHOTS, those)
    for rows_about_people in _ABOUT_PEOPLE:
        db.session.execute(rows_about_people, those)
    db.session.execute(_EMPTY_LINES, those)
    db.session.execute(_DELETE_CORRECTIONS, those)
    db.session.execute(_EMPTY_CALLS, those)
    db.session.execute(_EMPTY, those)


def _forget_numbers(numbers: set[str], never_again: bool) -> None:
    """Some of the numbers may belong to nobody in the tables any more. For each of those numbers,
    replace the do-not-call entry with a hash, and delete any note that the number is not in
    service. With `never_again`, put all of the numbers on the do-not-call list."""
    shared = still_had(numbers)
    gone = numbers - shared
    db.session.execute(_FORGET_DEAD, {"phones": sorted(gone)})
    hash_entries(gone, never_again=gone if never_again else ())
    if never_again and shared:
        suppress_all(shared, SuppressionOrigin.ORGANISER, reason="other")


def contacts_left(person: Person) -> Sequence[int]:
    """Return the ids of the contacts in the person's campaigns that have the person's name, and
    whose main number (`phone`) is one of the person's numbers."""
    query = select(Contact.id).where(
        Contact.campaign_id.in_(person.campaign_ids),
        Contact.phone.in_(person.phones),
        Contact.name_key == person.name_key,
    )
    return db.session.scalars(query).all()


def finish(erasure: Erasure) -> None:
    """Mark an erasure as done, and delete the person's name and numbers from its row."""
    erasure.person = None
    erasure.state = ErasureState.DONE
    erasure.finished_at = now()
