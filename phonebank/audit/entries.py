"""Reads the permanent record of what organisers did, one page at a time or as a file. This module
writes nothing."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, Select, case, func, select

from phonebank.core.db import db
from phonebank.exports.cells import Cell, csv_chunks
from phonebank.exports.row_stream import stream_rows
from phonebank.models import Account, AuditEntry, Campaign, Chapter

HEADER = ("at", "who", "campaign_id", "action", "about", "about_id", "before", "after")
# For an entry without an account.
SERVER = "the server"

_ACCOUNT_NAME = func.coalesce(func.nullif(Account.name, ""), Account.email)
# The kinds of subjects that a page shows by name, with the columns of their ids and names.
_NAMED: dict[str, tuple[Any, Any]] = {
    "account": (Account.id, _ACCOUNT_NAME),
    "campaign": (Campaign.id, Campaign.name),
    "chapter": (Chapter.id, Chapter.name),
}


def entries_of(
    campaign: Campaign | None, at_most: int, before_id: int | None = None
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return up to `at_most` entries about a campaign, or about everything if `campaign` is None,
    newest first. With `before_id`, return only entries whose ids are lower than `before_id`. Each
    row has the columns of AuditEntry, but instead of the account's id it has `who`. `who` is the
    account's name or, without a name, its e-mail address. If account 12 was deleted, `who` is
    "account 12". If no account acted, `who` is "the server"."""
    query = _query(campaign).order_by(AuditEntry.id.desc()).limit(at_most)
    if before_id is not None:
        query = query.where(AuditEntry.id < before_id)
    return db.session.execute(query).all()


def names_of_subjects(
    entries: Sequence[Row[*tuple[Any, ...]]],
) -> dict[tuple[str, str], str]:
    """Return the current names of the accounts, campaigns and chapters that the entries are about.
    Each key is an entry's (`subject_kind`, `subject_id`). An account without a name appears with
    its e-mail address. A deleted account, campaign or chapter is not in the result. There is at
    most one query for each of the three kinds."""
    names: dict[tuple[str, str], str] = {}
    for kind, (key, name) in _NAMED.items():
        ids = {
            int(entry.subject_id)
            for entry in entries
            if entry.subject_kind == kind and entry.subject_id
        }
        if ids:
            rows = db.session.execute(select(key, name).where(key.in_(ids)))
            names.update({(kind, str(one)): str(words) for one, words in rows})
    return names


def audit_file(campaign: Campaign | None, mark: bool = False) -> Iterator[str]:
    """Return a CSV file in pieces. It has every entry about a campaign, or about everything if
    `campaign` is None, oldest entry first. If `mark` is true, the file begins with the byte order
    mark of UTF-8, which Excel needs. Raises the error of `stream_rows`."""
    rows = stream_rows(_query(campaign).order_by(AuditEntry.id))
    return csv_chunks(HEADER, map(_cells, rows), mark)


def _query(campaign: Campaign | None) -> Select[Any]:
    # An account may be gone. Its entries keep its id.
    who = case(
        (AuditEntry.account_id.is_(None), SERVER),
        else_=func.coalesce(_ACCOUNT_NAME, func.concat("account ", AuditEntry.account_id)),
    ).label("who")
    query = select(
        AuditEntry.id,
        AuditEntry.at,
        who,
        AuditEntry.campaign_id,
        AuditEntry.action,
        AuditEntry.subject_kind,
        AuditEntry.subject_id,
        AuditEntry.before,
        AuditEntry.after,
    ).outerjoin(Account, Account.id == AuditEntry.account_id)
    return query if campaign is None else query.where(AuditEntry.campaign_id == campaign.id)


def _cells(entry: Row[*tuple[Any, ...]]) -> tuple[Cell, ...]:
    _, *cells, before, after = entry
    return *cells, json.dumps(before) if before else "", json.dumps(after) if after else ""
