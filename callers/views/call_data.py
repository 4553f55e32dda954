"""The data of a call for the call page's JavaScript. The server sends this data in the page, or in
the JSON that it sends to a page that is already open.

An open page can show the next contact itself, so the browser need not load another page. The page's
request says in a header which scripts the page has, and the response is the contact as JSON
(`next_call`). The JSON has the values of the script's merge fields, the message about the last
call, and the script if the page does not have it yet. call_person.js shows the contact.
"""

from dataclasses import asdict
from typing import Any

from flask import Response, jsonify, request

from callers.views.blueprint import SCREEN_HEADER
from callers.views.call_view_model import CallView
from callers.views.page_data import Toast
from scripts_library.merge_fields import values_of

# If the page can show what `next_call` returns, call.js sends this version, followed by the keys of
# the page's scripts. Pages stay open for hours. So a release that changes `next_call` or the page's
# slots must change this version here and in call_words.js. Pages of older releases then get a whole
# page.
SHAPE = "2"


def scripts_of_page() -> frozenset[str] | None:
    """Return the keys of the call scripts that the page already has. Return None if the page cannot
    show a contact that comes as JSON."""
    shape, *keys = request.headers.get(SCREEN_HEADER, "").split() or ("",)
    return frozenset(keys) if shape == SHAPE else None


def call_data(view: CallView, only_own_steps: bool = False) -> dict[str, Any]:
    """Return the data of the call for the page's JavaScript. The texts of the script are not part
    of this data. `only_own_steps` limits the transitions (see `ScriptWords.transitions`)."""
    return {
        "call": view.call_id,
        "turn": view.turn,
        "seconds_left": view.seconds_left,
        "answers": dict(view.answers),
        "seq": view.seq,
        "practice": view.practice,
        "go_on_from": view.go_on_from,
        "script": {
            "key": view.words.key if view.can_be_followed else "",
            **view.words.transitions(view.fields, only_own_steps),
        },
    }


def next_call(view: CallView, toast: Toast | None, known_scripts: frozenset[str]) -> Response:
    """Return a contact and the contact's call as JSON, for a page that already has the scripts with
    the keys `known_scripts`."""
    knows_script = view.words.key in known_scripts
    return jsonify(
        **call_data(view, only_own_steps=knows_script),
        person={
            "name": view.name,
            "town": view.town,
            "phone": view.phone,
            "phone_shown": view.phone_shown,
            "household": view.household,
            "earlier": view.earlier,
            "earlier_note": view.earlier_note,
            "go_on_from": view.go_on_from,
        },
        values=values_of(view.words.field_names, view.fields),
        words=None if knows_script else view.words.as_json(),
        toast=asdict(toast) if toast else None,
    )
