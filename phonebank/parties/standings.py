"""Finds a campaign's parties with the most conversations.

This ranking has the same rules as the ranking of callers on a board. Parties with the same number
of conversations share a place, and only the first five places are shown. Conversations that were
recorded too fast do not count here.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.live.board_payload import (
    NAMES_IN_A_LINE,
    NAMES_OF_A_CROWD,
    PLACES,
    Score,
    join_names,
    places,
)

_STANDINGS = text("""
SELECT ranked AS conversations, (array_agg(title ORDER BY title))[1:(:names)] AS titles,
       count(*) AS parties
FROM (
    SELECT p.title, sum(t.ranked)::bigint AS ranked
    FROM tally t JOIN party p ON p.id = t.party_id
    WHERE t.campaign_id = :campaign_id
    GROUP BY p.id HAVING sum(t.ranked) > 0
) parties
GROUP BY ranked ORDER BY ranked DESC LIMIT :places
""")


def standings(campaign_id: int) -> list[dict[str, Any]]:
    """Return a row for each place in the ranking. A row has `place`, `names` (one text with the
    titles of the parties that share the place) and `conversations`. If more than NAMES_IN_A_LINE
    parties share the place, the text has only some of the titles.

    Return no rows if fewer than two parties have conversations that count.
    """
    rows = db.session.execute(
        _STANDINGS, {"campaign_id": campaign_id, "names": NAMES_IN_A_LINE, "places": PLACES}
    ).all()
    if sum(row.parties for row in rows) < 2:
        return []
    found = places(Score(row.conversations, row.titles, row.parties) for row in rows)
    return [
        {
            "place": place,
            "names": join_names(_in_a_line(score), score.callers),
            "conversations": score.conversations,
        }
        for place, score in found
    ]


def _in_a_line(score: Score) -> Sequence[str]:
    """Return the titles that a row shows."""
    return score.names if score.callers <= NAMES_IN_A_LINE else score.names[:NAMES_OF_A_CROWD]
