"""The board as JSON, which boards and hosts' pages poll on networks that block websockets."""

from flask import Response, jsonify, request

from phonebank.live.board_snapshot import board_snapshot, board_tag


def answer_board(party_id: int, token: str | None = None) -> Response:
    """Return {"board"}; 304 if the page already shows this board, by the tag it sends
    (`If-None-Match`).

    `token` is the link of the television that asks. Raises GoneError if the party has another link
    by now. The view checks before this who asks.
    """
    tag = board_tag(party_id)
    if request.if_none_match.contains_weak(tag):
        answer = Response(status=304)
    else:
        answer = jsonify(board=board_snapshot(party_id, token))
    # A proxy that compresses the answer would make a strong tag weak.
    answer.set_etag(tag, weak=True)
    return answer
