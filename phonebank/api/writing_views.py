"""The API's addresses for adding and changing people, and for putting numbers on the
do-not-call list."""

from flask import Response
from sqlalchemy.exc import IntegrityError

from phonebank.api.authorise import for_token, token
from phonebank.api.blueprint import api, json_answer
from phonebank.api.description import described
from phonebank.api.schemas import (
    ContactIn,
    ContactsIn,
    ContactsWritten,
    DoNotCallIn,
    DoNotCallWritten,
    Problem,
)
from phonebank.core.db import begin_transaction, db, retry_on_deadlock
from phonebank.core.errors import ConflictError
from phonebank.lists.upsert import Result, SentPerson, upsert_people
from phonebank.models import Scope
from phonebank.phones.e164 import InvalidPhoneNumberError, read_numbers
from phonebank.suppressions.by_token import suppress_by_token

_CELLS = ("external_id", "first_name", "last_name", "postcode", "email", "language", "time_zone")


@api.post("/contacts")
@for_token(Scope.WRITE_CONTACTS)
@described(
    ContactsWritten,
    Scope.WRITE_CONTACTS,
    HTTP_409=(Problem, "The campaign has ended, or the same people are being changed right now."),
)
def write_contacts(json: ContactsIn) -> Response:
    """Add people, or change people whom the campaign already has.

    A person is recognised by `external_id` or, if that finds nobody, by name and number. Send
    everything that you know about each person, because fields that you leave out are emptied,
    except `external_id`. A person's calls are kept. Each person is stored or refused separately.
    You may send the same request again. It does not change a person who is still as you sent them.
    """
    people = [_sent(person) for person in json.contacts]
    try:
        results = _upsert(token().id, people)
    except IntegrityError:
        db.session.rollback()
        raise ConflictError(
            "Some of these people are being added or changed right now.", "Send the request again."
        ) from None
    return json_answer({"results": [_result(at, one) for at, one in enumerate(results)]})


@api.post("/do-not-call")
@for_token(Scope.ADD_DO_NOT_CALL)
@described(DoNotCallWritten, Scope.ADD_DO_NOT_CALL)
def add_do_not_call(json: DoNotCallIn) -> Response:
    """Put numbers on the do-not-call list, which applies to every campaign from the next call on.

    Numbers without a country code are read as numbers of the campaign's country. A number that is
    already on the list counts as entered. With one token, at most 1,000 numbers can be entered on
    one day (in UTC).
    """
    phones: dict[str, None] = {}
    refused = []
    for at, text in enumerate(json.numbers):
        try:
            found = read_numbers(text, token().country, allow_drama=True, others_too=True)
        except InvalidPhoneNumberError as fault:
            refused.append({"where": f"body.numbers.{at}", "message": fault.message})
            continue
        phones.update(dict.fromkeys(found))
    if phones:
        _suppress(token().id, list(phones), json.reason)
    return json_answer({"entered": len(phones), "refused": refused})


@retry_on_deadlock
def _upsert(token_id: int, people: list[SentPerson]) -> list[Result]:
    begin_transaction()
    results = upsert_people(token_id, people)
    db.session.commit()
    return results


@retry_on_deadlock
def _suppress(token_id: int, phones: list[str], reason: str) -> None:
    begin_transaction()
    suppress_by_token(token_id, phones, reason)
    db.session.commit()


def _sent(person: ContactIn) -> SentPerson:
    cells = {name: getattr(person, name) for name in _CELLS if getattr(person, name)}
    return SentPerson(person.phones, cells, person.fields)


def _result(at: int, one: Result) -> dict[str, object]:
    where = f"body.contacts.{at}" + (f".{one.where}" if one.where else "")
    return {
        "index": at,
        "result": str(one.result),
        "contact_id": one.contact_id,
        "where": where if one.message else None,
        "message": one.message or None,
    }
