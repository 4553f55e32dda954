"""A cursor is a text that says where the next page begins. Clients send the text back, and do not
need to understand it.

A cursor contains only ids and times, so it puts no person's name or number into the address of a
page.
"""

import base64
import binascii
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from phonebank.core.errors import InvalidInputError
from phonebank.exports.pages import OutcomeKey, PersonKey

Key = TypeVar("Key")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST_ID = 2**63 - 1
_LARGEST_LIST_ID = 2**31 - 1


def person_cursor(key: PersonKey) -> str:
    """Return the cursor of the page that begins after this person."""
    return _encode("p", [key.list_id, key.contact_id])


def read_person_cursor(cursor: str) -> PersonKey:
    """Return the key of the person after whom the cursor's page begins. Raises InvalidInputError
    for a cursor that `person_cursor` cannot have returned."""

    def read(parts: list[Any]) -> PersonKey:
        list_id, contact_id = parts
        _check(0 <= list_id <= _LARGEST_LIST_ID and 0 <= contact_id <= _LARGEST_ID)
        return PersonKey(list_id, contact_id)

    return _decode("p", cursor, read)


def outcome_cursor(key: OutcomeKey) -> str:
    """Return the cursor of the page that begins after this outcome."""
    microseconds = (key.changed_at - _EPOCH) // timedelta(microseconds=1)
    return _encode("o", [microseconds, key.call_id.hex])


def read_outcome_cursor(cursor: str) -> OutcomeKey:
    """Return the key of the outcome after which the cursor's page begins. Raises InvalidInputError
    for a cursor that `outcome_cursor` cannot have returned."""

    def read(parts: list[Any]) -> OutcomeKey:
        microseconds, call_id = parts
        return OutcomeKey(_EPOCH + timedelta(microseconds=microseconds), uuid.UUID(hex=call_id))

    return _decode("o", cursor, read)


def _encode(kind: str, parts: list[Any]) -> str:
    plain = json.dumps([kind, *parts], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(plain).decode().rstrip("=")


def _decode(kind: str, cursor: str, read: Callable[[list[Any]], Key]) -> Key:
    try:
        plain = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found, *parts = json.loads(plain)
        _check(found == kind)
        return read(parts)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, binascii.Error):
        raise InvalidInputError(
            "This cursor did not come from this address.",
            "Send `next_cursor` of the page before as it is, or leave it out to start again.",
            [("query.cursor", "This is not a cursor of this address.")],
        ) from None


def _check(is_valid: bool) -> None:
    if not is_valid:
        raise ValueError
