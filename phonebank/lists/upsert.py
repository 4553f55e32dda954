"""Adds people to a campaign, or updates people who are already in it. Their data usually comes from
other software.

The data is read and checked in the same way as the rows of an upload (`normalise`, `persist`). New
people are put on a separate contact list, which organisers can pause or undo like an upload. The
law may require that a list is compared with the register of people who do not want calls. In that
case, no more people are added to a list after its comparison. Later the software may send a new
person, a person from an undone upload, or a new number for a person in the campaign. Then another
list is made. The calling code commits.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain, count
from typing import Any

from sqlalchemy import Row as SqlRow
from sqlalchemy import select, text, update

from phonebank.core.db import db
from phonebank.core.errors import ConflictError, NotFoundError
from phonebank.core.locks import get_locked
from phonebank.csv_input import column_mapping
from phonebank.csv_input.column_mapping import FIELD, faults_of
from phonebank.csv_input.rows import Row
from phonebank.lists import persist
from phonebank.lists.batching import Batch, batch_of
from phonebank.lists.known_people import (
    FIND,
    NAME,
    NUMBERS,
    UpdatePlan,
    drop_incoming,
    find_values,
    widen_lists,
)
from phonebank.lists.normalise import ContactRow, RefusedRow, normalise
from phonebank.lists.screening import begin_unscreened, blocks_calls
from phonebank.models import (
    ApiToken,
    Campaign,
    CampaignState,
    ContactList,
    ContactState,
    ListState,
)
from phonebank.models.state_column import state_text

# One request may send this many people, which takes well under a second.
AT_ONCE = 100

# All values of a person are updated.
_ALL = UpdatePlan(frozenset({NAME, NUMBERS}), empties=True)
_TWICE = "This person comes twice in this request."
_CLASHES = "Another person in this campaign has this name and number."


class Upserted(StrEnum):
    """What happened to a person whose data other software sent."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DO_NOT_CALL = "do_not_call"  # one of their numbers is on the list, so nothing is stored
    REFUSED = "refused"


@dataclass(frozen=True)
class SentPerson:
    """A person as sent by other software. `phones` has the person's numbers. `cells` has other
    values by target. A target is the name that an upload gives to a kind of data, such as
    "first_name". `fields` has the values of the list's own fields, by name."""

    phones: Sequence[str]
    cells: Mapping[str, str]
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """The result for one person. `where` names the value that is wrong, such as “phones.0”, or is
    "" if no single value is wrong."""

    result: Upserted
    contact_id: int | None = None
    where: str = ""
    message: str = ""


_TAKEN = text("""
SELECT i.ordinal FROM incoming i
JOIN contact ON contact.campaign_id = :campaign_id AND contact.phone = i.phone
    AND contact.name_key = i.name_key
""")
# A person without a working number can be called again when a number arrives that may work. Rows
# that would not change are not written. `noted` keeps the old list and numbers of people who move
# to another list because of a new number, so that an undo of that list restores them.
_UPDATE = state_text(
    """
WITH sent AS (
    SELECT i.*, known.contact_id, known.list_id, known.is_noted
    FROM unnest(CAST(:ordinals AS integer[]), CAST(:contact_ids AS bigint[]),
                CAST(:list_ids AS integer[]), CAST(:noted AS boolean[]))
        AS known(ordinal, contact_id, list_id, is_noted)
    JOIN incoming i ON i.ordinal = known.ordinal
), locked AS (
    SELECT id, contact_list_id, phone, phone_original, other_phones FROM contact
    WHERE id IN (SELECT contact_id FROM sent) ORDER BY id FOR NO KEY UPDATE
), noted AS (
    INSERT INTO contact_change (contact_list_id, contact_id, before, after)
    SELECT sent.list_id, locked.id,
        jsonb_build_object('contact_list_id', locked.contact_list_id, 'phone', locked.phone,
            'phone_original', locked.phone_original, 'other_phones', locked.other_phones),
        jsonb_build_object('contact_list_id', sent.list_id, 'phone', sent.phone,
            'phone_original', sent.phone_original, 'other_phones', sent.other_phones)
    FROM sent JOIN locked ON locked.id = sent.contact_id
    WHERE sent.is_noted AND (locked.contact_list_id <> sent.list_id OR EXISTS (
        SELECT FROM contact_change AS earlier
        WHERE earlier.contact_list_id = sent.list_id AND earlier.contact_id = locked.id
    ))
    ON CONFLICT (contact_list_id, contact_id) DO UPDATE
        SET after = excluded.after, number = excluded.number
)
UPDATE contact SET contact_list_id = sent.list_id, first_name = sent.first_name,
    last_name = sent.last_name, name_key = sent.name_key, phone = sent.phone,
    phone_original = sent.phone_original, other_phones = to_jsonb(sent.other_phones),
    external_id = coalesce(sent.external_id, contact.external_id), postcode = sent.postcode,
    email = sent.email, language = sent.language, zone_key = sent.zone_key, fields = sent.fields,
    state = CASE WHEN contact.state = :unusable AND contact.phone <> sent.phone THEN :callable
        ELSE contact.state END
FROM sent, locked
WHERE contact.id = sent.contact_id AND contact.id = locked.id
  AND (contact.contact_list_id, contact.first_name, contact.last_name, contact.phone,
       contact.other_phones, contact.external_id, contact.postcode, contact.email,
       contact.language, contact.zone_key, contact.fields)
      IS DISTINCT FROM
      (sent.list_id, sent.first_name, sent.last_name, CAST(sent.phone AS varchar),
       to_jsonb(sent.other_phones), coalesce(sent.external_id, contact.external_id),
       sent.postcode, sent.email, sent.language, sent.zone_key, sent.fields)
RETURNING sent.ordinal
""",
    unusable=ContactState.UNUSABLE,
    callable=ContactState.CALLABLE,
)
_STORED = text("""
SELECT i.ordinal, contact.id FROM incoming i
JOIN contact ON contact.campaign_id = :campaign_id AND contact.phone = i.phone
    AND contact.name_key = i.name_key
""")


def upsert_people(token_id: int, people: Sequence[SentPerson]) -> list[Result]:
    """Add these people to the token's campaign, or update those who are already in it. Return a
    result for each person, in the same order.

    If a person is already in the campaign and is not refused, the values that were sent replace the
    stored values. Stored values that were not sent are deleted, except the external ID. The
    person's calls stay, and so does the time at which the person may be called again. A person with
    a number on the do-not-call list is neither added nor updated.

    Raises ConflictError if the campaign has ended, and NotFoundError if the token no longer exists.
    """
    token = get_locked(ApiToken, token_id)
    if token is None:
        raise NotFoundError("This token does not exist any more.", "Ask an organiser for another.")
    campaign = db.session.get_one(Campaign, token.campaign_id)
    if campaign.state == CampaignState.ENDED:
        raise ConflictError("This campaign has ended.", "Ask an organiser to reopen it.")
    return add_people(campaign, people, lambda: _list_of(token, campaign))


def add_people(
    campaign: Campaign, people: Sequence[SentPerson], list_of: Callable[[], ContactList]
) -> list[Result]:
    """Add people to a campaign, or update those who are already in it, as `upsert_people` does.

    `list_of` locks and returns the contact list for new people. `list_of` is not called if every
    person is refused because of the data that was sent.
    """
    results: dict[int, Result] = {}
    read = list(_read(people, campaign, results))
    batch = batch_of(read, 0, len(people), campaign.country)
    if batch.contact_rows:
        persist.copy_incoming(batch.contacts)
        for ordinal in persist.drop_suppressed():
            results[ordinal] = Result(
                Upserted.DO_NOT_CALL, message="This person has a number on the do-not-call list."
            )
        persist.drop_dead_numbers()
        # The list is locked before the contacts: see docs/locks.md.
        own_list = list_of()
        found = db.session.execute(FIND, find_values(campaign.id, _ALL)).all()
        if blocks_calls(campaign) and own_list.screened_on and _has_unscreened(found):
            own_list = _next_list(own_list, campaign)
        _update_known(campaign, own_list, batch, found, results)
        _store_new(campaign, own_list, batch, results)
        persist.suppress_stored()
    return [results[ordinal] for ordinal in range(len(people))]


def _read(
    people: Sequence[SentPerson], campaign: Campaign, results: dict[int, Result]
) -> Iterator[ContactRow]:
    """Yield a row for each person whose data is valid, unless the same person came earlier in the
    request. For each other person, put a refusal into `results`."""
    seen: set[tuple[str, str]] = set()
    for ordinal, person in enumerate(people):
        headers = [f"phones.{at}" for at in range(len(person.phones))]
        targets = ["phone"] * len(headers)
        headers += [*person.cells, *(f"fields.{name}" for name in person.fields)]
        targets += [*person.cells, *(FIELD + name for name in person.fields)]
        cells = [*person.phones, *person.cells.values(), *person.fields.values()]
        mapping = column_mapping.Mapping.of(headers, targets)
        faults = faults_of(mapping)
        if faults:
            where = headers[faults[0].columns[0]] if faults[0].columns else "phones"
            results[ordinal] = Result(Upserted.REFUSED, None, where, faults[0].message)
            continue
        row = normalise(
            Row(ordinal, cells), mapping, campaign.country, campaign.allow_drama_numbers
        )
        if isinstance(row, RefusedRow):
            results[ordinal] = Result(Upserted.REFUSED, None, row.column, row.message)
            continue
        keys = _keys_of(row)
        if seen.intersection(keys):
            results[ordinal] = Result(Upserted.REFUSED, None, "", _TWICE)
            continue
        seen.update(keys)
        yield row


def _keys_of(row: ContactRow) -> set[tuple[str, str]]:
    name = f"{row.first_name} {row.last_name}".casefold()
    keys = {(row.phone, name)}
    return keys | {("external_id", row.external_id)} if row.external_id else keys


def _list_of(token: ApiToken, campaign: Campaign) -> ContactList:
    """Lock and return the contact list of this token. If the token has no list, or if the list was
    undone, make and return a new list."""
    own = get_locked(ContactList, token.contact_list_id) if token.contact_list_id else None
    if own is None or own.state == ListState.UNDONE:
        own = _begin_list(campaign, token.name, token.created_by_id)
        token.contact_list_id = own.id
    return own


def _begin_list(
    campaign: Campaign, name: str, created_by_id: int | None, priority: int = 0
) -> ContactList:
    begun = ContactList(
        campaign_id=campaign.id,
        name=_free_name(campaign, name),
        filename="other software",
        state=ListState.READY,
        priority=priority,
        created_by_id=created_by_id,
    )
    begin_unscreened(begun, campaign)
    db.session.add(begun)
    db.session.flush()
    return begun


def _free_name(campaign: Campaign, name: str) -> str:
    """Return a name that no list of the campaign has yet. If no list is called `name`, return
    `name`. Otherwise return `name` with a number after it. The number is the lowest one, beginning
    with 2, that makes an unused name."""
    taken = set(
        db.session.scalars(select(ContactList.name).where(ContactList.campaign_id == campaign.id))
    )
    numbered = (f"{name} {number}" for number in count(2))
    return next(free for free in chain((name,), numbered) if free not in taken)


def _has_unscreened(found: Sequence[SqlRow[Any]]) -> bool:
    """Whether a request has new people, people of an undone list, or new numbers of people who are
    already in the campaign. `found` has a row for each person in the request who is already in the
    campaign."""
    rows = db.session.scalar(text("SELECT count(*) FROM incoming")) or 0
    return rows > len(found) or any(row.is_undone or row.has_new_number for row in found)


def _next_list(screened: ContactList, campaign: Campaign) -> ContactList:
    """Begin a list that must be compared separately with the register of people who do not want
    calls. `screened` is the list to which people were added until now. If a token added them, the
    token adds its next people to the new list."""
    is_token = ApiToken.contact_list_id == screened.id
    # An earlier list of the token may have a number after its name, which the new list must not
    # repeat.
    name = db.session.scalar(select(ApiToken.name).where(is_token)) or screened.name
    begun = _begin_list(campaign, name, screened.created_by_id, screened.priority)
    db.session.execute(update(ApiToken).where(is_token).values(contact_list_id=begun.id))
    return begun


def _update_known(
    campaign: Campaign,
    own_list: ContactList,
    batch: Batch,
    found: Sequence[SqlRow[Any]],
    results: dict[int, Result],
) -> None:
    known, known_ids = [], set()
    for row in sorted(found, key=lambda row: row.ordinal):
        if row.clashes or row.contact_id in known_ids:
            message = _CLASHES if row.clashes else _TWICE
            results[row.ordinal] = Result(Upserted.REFUSED, row.contact_id, "", message)
        else:
            known.append(row)
            known_ids.add(row.contact_id)
    # A person from an undone upload moves to the token's list, so that callers get them again.
    # So does a person with a new number, where a list must be screened with its numbers.
    new_numbers = {row.ordinal for row in known if blocks_calls(campaign) and row.has_new_number}
    lists = {
        row.ordinal: own_list.id
        if row.is_undone or row.ordinal in new_numbers
        else row.contact_list_id
        for row in known
    }
    widen_lists(set(lists.values()), batch.zone_keys, batch.languages)
    values = {
        "ordinals": [row.ordinal for row in known],
        "contact_ids": [row.contact_id for row in known],
        "list_ids": [lists[row.ordinal] for row in known],
        # The undo of a list may still have to move people from that list back to an earlier one.
        # It then stores the earlier list with the noted change.
        "noted": [
            row.ordinal in new_numbers or (blocks_calls(campaign) and row.is_undone)
            for row in known
        ],
    }
    changed = set(db.session.scalars(_UPDATE, values)) if known else set()
    for row in known:
        kind = Upserted.UPDATED if row.ordinal in changed else Upserted.UNCHANGED
        results[row.ordinal] = Result(kind, row.contact_id)
    persist.suppress_stored()
    drop_incoming([row.ordinal for row in found])


def _store_new(
    campaign: Campaign, own_list: ContactList, batch: Batch, results: dict[int, Result]
) -> None:
    # The campaign has somebody with this name and number, but with another ID in the sender's list.
    for ordinal in db.session.scalars(_TAKEN, {"campaign_id": campaign.id}).all():
        results[ordinal] = Result(
            Upserted.REFUSED,
            None,
            "external_id",
            "This person is in the campaign with another external_id.",
        )
    drop_incoming(results)
    widen_lists({own_list.id}, batch.zone_keys, batch.languages)
    stored = persist.insert_incoming(own_list, batch.has_tags)
    own_list.rows_total += stored
    own_list.rows_read += stored
    own_list.rows_stored += stored
    rows: Sequence[SqlRow[Any]] = db.session.execute(_STORED, {"campaign_id": campaign.id}).all()
    for row in rows:
        results[row.ordinal] = Result(Upserted.CREATED, row.id)
