"""The board: a page with a party's figures, for the television in the room. The board has its own
link. After the end of the party, the board shows thanks and totals."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from phonebank.core import error_pages
from phonebank.core.access import TV, open_to
from phonebank.core.config import current_config
from phonebank.core.content_negotiation import wants_json
from phonebank.core.errors import GoneError
from phonebank.core.qr_codes import qr_svg
from phonebank.hosts.board_answer import answer_board
from phonebank.hosts.summary_views import picture_of
from phonebank.live.board_snapshot import board_snapshot
from phonebank.parties.codes import join_link, short_address
from phonebank.parties.services import party_by_board_token
from phonebank.parties.summary import summary_of

pages = Blueprint("board", __name__, url_prefix="/board")


@pages.get("/<token>")
@open_to(TV)
def show(token: str) -> ResponseReturnValue:
    """Show the board with its current figures. After the end of the party, show thanks and totals.
    Without JavaScript the page reloads itself.

    For a request that wants JSON, return the board as {"board": …}. If the network blocks
    websockets, the page repeatedly requests the board in this form.
    """
    party = party_by_board_token(token)
    if wants_json():
        return answer_board(party.id, token)
    base_url = current_config().base_url
    if party.has_ended:
        return render_template(
            "parties/board_over.html",
            board_token=token,
            evening=summary_of(party),
            board=board_snapshot(party.id, token),
        )
    # The QR code is drawn first. Reading the figures ends the transaction, and the party would then
    # be loaded a second time for the code.
    qr = qr_svg(join_link(base_url, party.code))
    return render_template(
        "parties/board.html",
        board_token=token,
        board=board_snapshot(party.id, token),
        qr=qr,
        address=short_address(base_url),
    )


@pages.get("/<token>/picture.svg")
@open_to(TV)
def picture(token: str) -> ResponseReturnValue:
    """Return the party's totals as a picture, which the board shows after the end of the party."""
    return picture_of(party_by_board_token(token))


@pages.errorhandler(GoneError)
def show_ended(error: GoneError) -> ResponseReturnValue:
    """Show the error page for a board's link that no longer works. The page uses the board's large
    letters and its colours, so that people can read it from across the room. For a request that
    wants JSON, return the error as JSON."""
    error_pages.roll_back()
    if wants_json():
        return error_pages.answer_to(error)
    return render_template("parties/board_ended.html", error=error), error.status
