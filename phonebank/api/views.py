"""The API's addresses for reading people and outcomes."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy import Row

from phonebank.api import description
from phonebank.api.authorise import for_token, token
from phonebank.api.blueprint import api, json_answer
from phonebank.api.cursors import (
    outcome_cursor,
    person_cursor,
    read_outcome_cursor,
    read_person_cursor,
)
from phonebank.api.schemas import (
    ContactOut,
    ContactsPage,
    OutcomesPage,
    OutcomesQuery,
    PageQuery,
    Problem,
)
from phonebank.core.access import ANYONE, open_to
from phonebank.core.errors import NotFoundError
from phonebank.exports.pages import (
    FIRST_PERSON,
    OutcomeKey,
    PersonKey,
    find_person,
    outcomes_after,
    people_after,
)
from phonebank.models import Scope

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
# An id that is smaller than the id of any call.
_NO_CALL = UUID(int=0)


@api.get("/openapi.json")
@open_to(ANYONE)
def openapi() -> Response:
    """Show the description of the API."""
    return description.show()


@api.get("/contacts")
@for_token(Scope.READ_CONTACTS)
@description.described(ContactsPage, Scope.READ_CONTACTS)
def contacts(query: PageQuery) -> Response:
    """The campaign's people, one page at a time.

    The people are sorted by contact list. A person who moves to another list while you read the
    pages may appear twice or not at all.
    """
    key = read_person_cursor(query.cursor) if query.cursor else FIRST_PERSON
    found = people_after(key, token().campaign_id, query.limit + 1)
    page = found[: query.limit]
    last = page[-1] if len(found) > query.limit else None
    cursor = person_cursor(PersonKey(last.contact_list_id, last.id)) if last else None
    return json_answer({"contacts": [_contact(row) for row in page], "next_cursor": cursor})


@api.get("/contacts/<int:contact_id>")
@for_token(Scope.READ_CONTACTS)
@description.described(
    ContactOut, Scope.READ_CONTACTS, HTTP_404=(Problem, "The campaign does not have this person.")
)
def contact(contact_id: int) -> Response:
    """One person of the campaign."""
    row = find_person(token().campaign_id, contact_id) if contact_id < 2**63 else None
    if row is None:
        raise NotFoundError(
            "This campaign does not have a person with this ID.",
            "Use an ID from this campaign's pages of people.",
        )
    return json_answer(_contact(row))


@api.get("/outcomes")
@for_token(Scope.READ_OUTCOMES)
@description.described(OutcomesPage, Scope.READ_OUTCOMES)
def outcomes(query: OutcomesQuery) -> Response:
    """The campaign's recorded calls, oldest change first. To record a call counts as a change.

    A call appears half a minute after it was recorded. It appears later if a change that began
    earlier is still being saved. After that, no other call can appear in an earlier place, so a
    client that keeps the last cursor misses no call. When an organiser corrects a call, sets it
    aside or brings it back, the call appears again, with the same `call_id` and a later
    `changed_at`. It also appears again when its caller undoes the outcome, with `undone`, and when
    the caller then records another. Keep only the version with the latest `changed_at`.
    """
    if query.cursor:
        key = read_outcome_cursor(query.cursor)
    else:
        key = OutcomeKey(query.changed_since or _BEGINNING, _NO_CALL)
    page = outcomes_after(key, token().campaign_id, query.limit)
    if page:
        key = OutcomeKey(page[-1].changed_at, page[-1].id)
    rows = [_outcome(row) for row in page]
    return json_answer({"outcomes": rows, "next_cursor": outcome_cursor(key)})


def _contact(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "external_id": row.external_id,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "phone": row.phone,
        "other_phones": row.other_phones,
        "postcode": row.postcode,
        "email": row.email,
        "language": row.language,
        "list_name": row.list,
        "status": row.status,
        "last_outcome": row.last_outcome,
        "attempts": row.attempts,
        "last_called_at": _moment(row.last_called_at),
        "callback_at": _moment(row.callback_at),
        "added_at": _moment(row.created_at),
        "fields": row.fields,
        "tags": row.tags,
    }


def _outcome(row: Row[Any]) -> dict[str, Any]:
    return {
        "call_id": str(row.id),
        "contact_id": row.contact_id,
        "external_id": row.external_id,
        "outcome": row.outcome,
        "reached": row.reached,
        "conversation": row.conversation,
        "yes": row.yes,
        "answers": row.answers or {},
        "note": row.note,
        "caller": row.caller,
        "party_id": row.party_id,
        "started_at": _moment(row.started_at),
        "recorded_at": _moment(row.recorded_at),
        "changed_at": _moment(row.changed_at),
        "corrected": row.corrected_at is not None,
        "set_aside": row.set_aside_at is not None,
        "undone": row.outcome is None,
    }


def _moment(moment: datetime | None) -> str | None:
    """Return a moment in UTC as ISO 8601 text, or None if there is no moment."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
