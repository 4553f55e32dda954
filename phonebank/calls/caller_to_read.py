"""Reads the caller for requests that every phone sends often. The caller's columns are read as
plain values, which is faster than loading objects into the session.

The request that records an outcome reads the caller, the call and the contact in one query.
"""

import uuid
from typing import Any

from sqlalchemy.orm.attributes import instance_dict

from phonebank.calls.call_rows import (
    CALL_AND_CONTACT,
    CALL_AND_CONTACT_WITH_ANSWERS,
    CallRows,
    parameters_of,
    rows_of,
)
from phonebank.core.kept_rows import KeptRows
from phonebank.core.statement import Statement
from phonebank.models import Caller, CallerState, Campaign, Party
from phonebank.rules.outcomes import Outcome

_COLUMNS = [attribute.key for attribute in Caller.__mapper__.column_attrs]
# The names begin with "caller_", because a call and a contact have columns of the same names.
_NAMED = ", ".join(
    f"caller.{getattr(Caller, name).expression.name} AS caller_{name}" for name in _COLUMNS
)
_WORDS = f"""
SELECT {_NAMED}, campaign.xmin AS campaign_version, party.xmin AS party_version%s
FROM caller JOIN campaign ON campaign.id = caller.campaign_id
LEFT JOIN party ON party.id = caller.party_id %s
WHERE caller.id = :caller_id
"""  # noqa: S608
_CALLER = Statement(_WORDS % ("", ""))
_CALLER_AND_CALL, _CALLER_AND_CALL_WITH_ANSWERS = (
    Statement(_WORDS % (", told.*", f"LEFT JOIN LATERAL ({call_and_contact}) AS told ON true"))
    for call_and_contact in (CALL_AND_CONTACT, CALL_AND_CONTACT_WITH_ANSWERS)
)
_CAMPAIGNS, _PARTIES = KeptRows(Campaign), KeptRows(Party)


def caller_to_read(caller_id: int) -> Caller | None:
    """Return the caller with the caller's campaign and party, or None if there is no such caller.
    These objects belong to no database session, and must not be changed."""
    row = _CALLER.row({"caller_id": caller_id})
    return None if row is None else _caller_of(row)


def caller_and_call(
    caller_id: int, call_id: uuid.UUID, outcome: Outcome
) -> tuple[Caller | None, CallRows | None]:
    """Return the results of `caller_to_read` and of `read_rows`, read with one query."""
    statement = _CALLER_AND_CALL_WITH_ANSWERS if outcome.reached else _CALLER_AND_CALL
    row = statement.row(parameters_of(caller_id, call_id, outcome))
    if row is None:
        return None, None
    return _caller_of(row), rows_of(row) if row.call_id is not None else None


def _caller_of(row: Any) -> Caller:
    caller = Caller()
    values = instance_dict(caller)
    values.update(zip(_COLUMNS, row, strict=False))
    values["state"] = CallerState(caller.state)
    values["campaign"] = _CAMPAIGNS.get(caller.campaign_id, row.campaign_version)
    values["party"] = _PARTIES.get(caller.party_id, row.party_version) if caller.party_id else None
    return caller
