"""Count a campaign's contacts that have no value for a merge field of the script."""

from sqlalchemy import ColumnElement, func, select

from phonebank.core.db import db
from phonebank.models import Campaign, Contact
from scripts_library.checks import warnings_for_contacts
from scripts_library.diagnostics import Diagnostic
from scripts_library.merge_fields import fields_without_fallback
from scripts_library.script import Script

_OWN_COLUMNS = {"first_name": Contact.first_name, "last_name": Contact.last_name}


def missing_field_warnings(campaign: Campaign, script: Script) -> list[Diagnostic]:
    """Return a warning for each place where the script uses a merge field without a fallback, if
    the campaign has no value for this field and some of its contacts have none either."""
    values = campaign.merge_values
    names = [n for n in fields_without_fallback(script) if not str(values.get(n) or "").strip()]
    if not names:
        return []
    counts = db.session.execute(
        select(*(func.count().filter(_is_blank(name)) for name in names)).where(
            Contact.campaign_id == campaign.id
        )
    ).one()
    return warnings_for_contacts(script, dict(zip(names, counts, strict=True)))


def _is_blank(name: str) -> ColumnElement[bool]:
    column = _OWN_COLUMNS.get(name)
    value = Contact.fields[name].astext if column is None else column
    return func.coalesce(func.trim(value), "") == ""
