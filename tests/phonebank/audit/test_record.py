"""The audit keeps what was done, and the database refuses to change it."""

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from phonebank.audit.record import record_audit
from phonebank.core.db import db
from phonebank.models import AuditEntry


@pytest.mark.usefixtures("app_context")
@pytest.mark.parametrize("change", [update(AuditEntry).values(action="x"), delete(AuditEntry)])
def test_an_entry_is_never_changed_or_deleted(change):
    record_audit("call corrected", account=None, subject_kind="call", subject_id=7, before={"a": 1})
    db.session.commit()
    with pytest.raises(DBAPIError, match="never changed or deleted"):
        db.session.execute(change)
    db.session.rollback()
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.subject_id, entry.before) == ("call corrected", "7", {"a": 1})
