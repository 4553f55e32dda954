"""One whole board, as the page and a snapshot show it."""

from typing import Any

from phonebank.live.board import payload
from phonebank.live.board_reading import read_figures
from phonebank.live.server import live


def whole_board(party_id: int) -> dict[str, Any]:
    """The payload of a party that exists, with what its campaign's parties have together."""
    figures = read_figures([party_id])[party_id]
    together = live().pump.campaigns.of([figures.campaign_id])
    return payload(figures, together[figures.campaign_id])
