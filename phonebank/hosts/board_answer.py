"""The response with a party's board (the page of the party's figures) as JSON. Some networks block
websockets. There, televisions and hosts' pages repeatedly request the board in this form."""

from flask import Response, jsonify, request

from phonebank.live.board_snapshot import board_snapshot, board_tag


def answer_board(party_id: int, token: str | None = None) -> Response:
    """Return the board as {"board": …}. If the request's tag (`If-None-Match`) says that the page
    already shows the current board, return the status 304 without a body.

    If a television sent the request, `token` is the token in the television's link. If a host's
    page sent the request, `token` is None. Raises GoneError if the television's link was replaced.
    The view has already checked that the sender of the request may see the board.
    """
    tag = board_tag(party_id)
    if request.if_none_match.contains_weak(tag):
        answer = Response(status=304)
    else:
        answer = jsonify(board=board_snapshot(party_id, token))
    # The tag is weak, because a proxy that compresses the answer would make a strong tag weak.
    answer.set_etag(tag, weak=True)
    return answer
