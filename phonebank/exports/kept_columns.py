"""The columns of an organiser's own list whose values Phonebank keeps for each person."""

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.exports.tables import Column

_NAMES = text("""
SELECT DISTINCT jsonb_object_keys(fields) FROM contact
WHERE campaign_id = :campaign_id AND fields <> '{}' ORDER BY 1
""")


def kept_columns(campaign_id: int) -> list[Column]:
    """Return the columns to export, sorted by name. There is one for each column of the campaign's
    lists whose values Phonebank keeps."""
    names = db.session.scalars(_NAMES, {"campaign_id": campaign_id}).all()
    return [
        Column(f"kept_{name}", f"The column “{name}” of your own list.", _value(name))
        for name in names
    ]


def _value(name: str) -> str:
    quoted = name.replace("'", "''").replace("%", "%%")
    return f"contact.fields ->> '{quoted}'"
