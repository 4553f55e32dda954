"""One whole board, as the page and a snapshot show it."""

from typing import Any

from phonebank.core.errors import Gone
from phonebank.live.board_payload import payload
from phonebank.live.server import live


def whole_board(party_id: int, token: str | None = None) -> dict[str, Any]:
    """The payload of a party, with what its campaign's parties have together.

    `token` is the link of the television that asks. Raises Gone when that is no longer the party's,
    or there is no such party.
    """
    reading = live().readings.of(party_id)
    if reading is None or token not in (None, reading.figures.board_token):
        raise Gone(
            "This board's link has been replaced.", "Ask the host to open the new link on this TV."
        )
    return payload(reading.figures, reading.together, reading.hour)
