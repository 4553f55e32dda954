"""One whole board, for a page and for the snapshot that a connected board asks for."""

import time
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import text

from phonebank.core.db import db
from phonebank.core.errors import GoneError
from phonebank.live.board_payload import payload
from phonebank.live.change_marks import marks_of
from phonebank.live.server import live

# Seconds. Some figures change as time passes, for example the calls of the last ten minutes.
TAGGED_FOR = 10
_TALLIES = text("SELECT coalesce(sum(version), 0) FROM tally WHERE party_id = :party_id")


def board_snapshot(party_id: int, token: str | None = None) -> dict[str, Any]:
    """Return the payload of a party's board, with the totals of its campaign.

    `token` is the link of the television that asks. Raises GoneError if the party has another link
    by now, or if there is no such party.
    """
    reading = live().boards.of(party_id)
    if reading is None or token not in (None, reading.figures.board_token):
        raise GoneError(
            "This board's link has been replaced.", "Ask the host to open the new link on this TV."
        )
    return payload(reading.figures, reading.campaign, reading.hour)


def board_tag(party_id: int) -> str:
    """Return a tag of the party's board, which changes when the board does and every TAGGED_FOR
    seconds. To compute it takes PostgreSQL a small part of what reading the board takes.

    The figures count even if Redis has lost the mark of a change. Compute the tag before you read
    the board. A change in between then makes the next tag differ.
    """
    version = db.session.scalar(_TALLIES, {"party_id": party_id})
    try:
        (mark,) = marks_of([party_id])
    except RedisError:
        mark = None
    return f"{version}-{mark or ''}-{int(time.time() / TAGGED_FOR)}"
