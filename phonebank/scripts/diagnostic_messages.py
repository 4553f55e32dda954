"""Translate the message of a diagnostic (an error or warning about a script) into the words of the
editor's form. Pure functions."""

import re
from collections.abc import Callable

from phonebank.scripts.labels import SETTINGS
from phonebank.scripts.transitions import title_of
from scripts_library.script import Script


def form_message_translator(script: Script) -> Callable[[str], str]:
    """Return a function that turns a diagnostic's message into the form's words.

    The function replaces the names of settings with the form's labels, and drops line numbers.
    Where the message names a step by its id, the function puts the step's title instead.
    """
    titles = {step.id: title_of(script, step.id) or step.id for step in script.steps}
    ids = "|".join(sorted(map(re.escape, filter(None, titles)), key=len, reverse=True))
    # Some step ids are ordinary words too, so an id is replaced only where a message names a step.
    step_names = re.compile(
        rf"(?<=names )(?:{ids})\b|(?<=leads to )(?:{ids})\b|(?<=after )(?:{ids})(?=\.$)"
        rf"|(?<=\()(?:{ids})(?=\))|(?<=→ )(?:{ids})\b|\b(?:{ids})(?= →)|(?<=answer of )(?:{ids})\b"
    )

    def translate(message: str) -> str:
        message = re.sub(r" \((?:first on )?line \d+\)", "", message)
        message = message.replace("`is: a value` or `known: yes` (or no)", "a value or “is known”")
        message = step_names.sub(lambda found: f"“{titles[found[0]]}”", message)
        return re.sub(r"`(\w+)`", lambda found: f"“{SETTINGS.get(found[1], found[1])}”", message)

    return translate
