"""One whole board, for a page and for the snapshot that a connected board asks for."""

from typing import Any

from phonebank.core.errors import GoneError
from phonebank.live.board_payload import payload
from phonebank.live.server import live


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
