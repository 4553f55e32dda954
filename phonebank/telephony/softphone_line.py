"""A caller's line (telephone connection) that the caller's own browser opens."""

from phonebank.core.statement import Statement

_OPEN = Statement("""
UPDATE line SET provider_id = :provider_id
WHERE id = :line_id AND caller_id = :caller_id AND side = 'caller' AND ended_at IS NULL
  AND (provider_id IS NULL OR provider_id = :provider_id)
RETURNING id
""")


def open_softphone_line(line_id: int, caller_id: int, provider_id: str) -> bool:
    """Store the provider's id of a line that this caller's browser is opening, if the browser may
    open the line. Return whether the browser may open it.

    The line must be this caller's own line (not a line to a person), must not have ended, and must
    not have been opened by another connection. Calling this again with the same id changes nothing.
    This function does not commit.
    """
    values = {"line_id": line_id, "caller_id": caller_id, "provider_id": provider_id}
    return _OPEN.scalar(values) is not None
