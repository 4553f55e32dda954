"""The jobs of erasure: search stored files for an erased person, continue an interrupted search,
and erase people whose retention period is over."""

import time
from datetime import timedelta

from sqlalchemy import select

from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.jobs import CHORES, IMPORTS, enqueue, job
from phonebank.core.locks import get_locked
from phonebank.exports.files import erase_files_of
from phonebank.lists.jobs import import_list
from phonebank.lists.uploads import SupersededError
from phonebank.models import ContactList, Erasure, ErasureState, now
from phonebank.models.contact_list import LIST_STATES_IN_PROGRESS
from phonebank.privacy import erase, retention, stored_files
from phonebank.privacy.person import Person

# A search makes progress with each file, and reading the largest takes less than a minute.
STALLED_AFTER = timedelta(minutes=2)
# Seconds. The clock puts the job on its queue each minute, and imports wait meanwhile.
WORKS_FOR = 40.0
# Callers use the same database, so after each portion retention rests for this many times as long
# as the portion took. With a rest as long as the work, claims took 1.35 times as long at p95
# (`bench/erasure.py`).
RESTS_FOR = 9


@job(CHORES, timeout=30 * 60)
def search_files(erasure_id: int) -> None:
    """Erase a person from the stored files, and then mark the erasure as done. An import may have
    stored the person again since the person was erased from the tables, so also erase such new
    contacts. If the worker is killed, another worker begins the search again. Searching again is
    safe, because every step may run twice."""
    erasure = db.session.get(Erasure, erasure_id)
    if erasure is None or erasure.person is None:
        return
    person = Person.from_json(erasure.person)
    for list_id in stored_files.stored_lists(person):
        _erase_from_upload(erasure_id, list_id, person)
    stored_files.erase_from_do_not_call_files(person)
    stored_files.erase_from_refused_rows(person)
    stored_files.erase_from_snapshots()
    db.session.commit()
    # No file contains the person any more, so no import can store them again after this.
    _erase_again(person)
    _finish(erasure_id)


@job(CHORES, timeout=60)
def continue_erasures() -> None:
    """Enqueue again the searches that have made no progress for STALLED_AFTER, because their worker
    was probably killed."""
    stalled = select(Erasure.id).where(
        Erasure.state == ErasureState.SEARCHING, Erasure.progress_at < now() - STALLED_AFTER
    )
    for erasure_id in db.session.scalars(stalled).all():
        enqueue(search_files, erasure_id)


@job(IMPORTS, timeout=120)
def perform_retention() -> None:
    """Erase the people of the campaigns whose retention period is over. Start no new portion of
    people after WORKS_FOR seconds.

    Each portion is erased in one transaction, so a killed worker leaves nobody half erased. The
    next run continues with the remaining people.
    """
    retention.look_for_due_campaigns()
    db.session.commit()
    ends_at = time.monotonic() + WORKS_FOR
    for campaign_id in retention.campaigns_being_erased():
        while time.monotonic() < ends_at:
            began_at = time.monotonic()
            if not _erase_some(campaign_id):
                break
            time.sleep(RESTS_FOR * (time.monotonic() - began_at))


@retry_on_deadlock
def _erase_some(campaign_id: int) -> bool:
    is_more = retention.erase_some(campaign_id)
    db.session.commit()
    return is_more


def _erase_from_upload(erasure_id: int, list_id: int, person: Person) -> None:
    while True:
        try:
            changed = stored_files.erase_from_upload(list_id, person)
            break
        except SupersededError:
            db.session.rollback()  # another erasure has just changed the file
    contact_list = db.session.get(ContactList, list_id)
    importing = contact_list is not None and contact_list.state in LIST_STATES_IN_PROGRESS
    db.session.get_one(Erasure, erasure_id).progress_at = now()
    db.session.commit()
    if changed and importing:
        enqueue(import_list, list_id)


@retry_on_deadlock
def _erase_again(person: Person) -> None:
    ids = erase.contacts_left(person)
    if ids:
        erase.erase_contacts(ids, ends_calls=True)
    for campaign_id in person.campaign_ids:
        erase_files_of(campaign_id)
    db.session.commit()


def _finish(erasure_id: int) -> None:
    erasure = get_locked(Erasure, erasure_id)
    if erasure is not None and erasure.state == ErasureState.SEARCHING:
        erase.finish(erasure)
    db.session.commit()
