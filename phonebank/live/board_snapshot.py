"""Reads all the data that one party's board shows. The data is for a page that somebody opens, or
for an open board that asks for its data again."""

import time
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import text

from phonebank.core.db import db
from phonebank.core.errors import GoneError
from phonebank.live.board_payload import payload
from phonebank.live.change_marks import marks_of
from phonebank.live.server import live

# Seconds after which a tag changes in any case, because some figures change as time passes. The
# calls of the last ten minutes are an example.
TAGGED_FOR = 10
_TALLIES = text("SELECT coalesce(sum(version), 0) FROM tally WHERE party_id = :party_id")


def board_snapshot(party_id: int, token: str | None = None) -> dict[str, Any]:
    """Return the data that a party's board shows, with the totals of the party's campaign.

    `token` is the token in the link that a television opened, or None for any other page. Raises
    GoneError if `token` is no longer the token of the party's board, or if there is no such party.
    """
    reading = live().boards.of(party_id)
    if reading is None or token not in (None, reading.figures.board_token):
        raise GoneError(
            "This board's link has been replaced.", "Ask the host to open the new link on this TV."
        )
    return payload(reading.figures, reading.campaign, reading.hour)


def board_tag(party_id: int) -> str:
    """Return a tag, a short text that identifies what the party's board shows now. The tag changes
    when the board changes, and also every TAGGED_FOR seconds. Computing the tag is much less work
    for PostgreSQL than reading the board.

    Redis has a mark that changes when the board changes, and the tag includes this mark. The tag
    also includes the version of the party's tallies, in case Redis has lost the mark. Compute the
    tag before you read the board. If the board changes in between, the next tag is different.
    """
    version = db.session.scalar(_TALLIES, {"party_id": party_id})
    try:
        (mark,) = marks_of([party_id])
    except RedisError:
        mark = None
    return f"{version}-{mark or ''}-{int(time.time() / TAGGED_FOR)}"
