"""The columns that Phonebank keeps from an organiser's own list, so that they can be exported."""

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.exports.tables import Column

_NAMES = text("""
SELECT DISTINCT jsonb_object_keys(fields) FROM contact
WHERE campaign_id = :campaign_id AND fields <> '{}' ORDER BY 1
""")


def kept_columns(campaign_id: int) -> list[Column]:
    """Return the columns to export, sorted by name. Each is a column that Phonebank keeps from the
    campaign's lists."""
    names = db.session.scalars(_NAMES, {"campaign_id": campaign_id}).all()
    return [
        Column(f"kept_{name}", f"The column “{name}” of your own list.", _value(name))
        for name in names
    ]


def _value(name: str) -> str:
    quoted = name.replace("'", "''").replace("%", "%%")
    return f"contact.fields ->> '{quoted}'"
