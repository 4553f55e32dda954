"""Register the volunteer's pages and sockets."""

from functools import cache

from flask import Flask, get_template_attribute
from markupsafe import Markup

from callers import sockets  # noqa: F401  (registers the events of the callers' sockets)
from callers.views import (  # noqa: F401  (each adds its pages to the blueprint)
    call_page,
    called_back,
    guide,
    help,
    household,
    join,
    keep,
    phone,
    practice,
    record,
    softphone,
    told,
)
from callers.views.blueprint import pages
from phonebank.calls.callback_times import PRESETS
from phonebank.parties.help_requests import ABOUT
from phonebank.rules.languages import LANGUAGES
from phonebank.rules.outcomes import GROUPS, OUTCOMES

# The words of the outcome buttons are template globals, because a macro sees no other variables.
_WORDS = {
    "outcome_groups": GROUPS,
    "outcomes_in": {
        group: [outcome for outcome in OUTCOMES.values() if outcome.group == group]
        for group in GROUPS
    },
    "outcomes_by_key": OUTCOMES,
    "callback_presets": PRESETS,
    "call_languages": LANGUAGES,
    "help_kinds": ABOUT,
}


@cache
def outcome_buttons() -> Markup:
    """Return the HTML of all outcome buttons, and of the form fields that belong to them. A process
    renders this HTML only once, and every page that needs it gets the same HTML."""
    draw = get_template_attribute("callers/_outcomes.html", "all_groups")
    return Markup(draw())  # noqa: S704  (a template's own output)


def init_app(app: Flask) -> None:
    """Register the volunteer's pages, and let all templates use the words of the outcome
    buttons."""
    app.jinja_env.globals.update(_WORDS, outcome_buttons=outcome_buttons)
    app.register_blueprint(pages)
