"""The volunteer's side of the site, put together."""

from flask import Flask

from callers import (  # noqa: F401  (each adds its pages to the blueprint)
    call_screens,
    household_screens,
    join_screens,
    practice_screens,
    record_screens,
)
from callers.blueprint import screens
from callers.callback_times import PRESETS
from callers.languages import LANGUAGES
from callers.outcomes import GROUPS, OUTCOMES

# What the outcome buttons say, for templates: macros see globals only.
_WORDS = {
    "outcome_groups": GROUPS,
    "outcomes_in": {
        group: [outcome for outcome in OUTCOMES.values() if outcome.group == group]
        for group in GROUPS
    },
    "outcomes_by_key": OUTCOMES,
    "callback_presets": PRESETS,
    "call_languages": LANGUAGES,
}


def init_app(app: Flask) -> None:
    """Serve the volunteer's pages."""
    app.jinja_env.globals.update(_WORDS)
    app.register_blueprint(screens)
