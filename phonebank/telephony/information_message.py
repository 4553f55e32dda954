"""The message for a person who answers while no caller is free. The message says who called, and
which number the person can call to ask not to be called again."""

from phonebank.core.errors import NotFoundError
from phonebank.core.statement import Statement

_OF_LINE = Statement("""
SELECT campaign.name, campaign.controller, campaign.country,
       coalesce(phone_settings.shown_number, '') AS shown_number
FROM line JOIN campaign ON campaign.id = line.campaign_id
LEFT JOIN phone_settings ON phone_settings.campaign_id = campaign.id
WHERE line.id = :line_id
""")

ENGLISH = (
    "Hello. This was a call from {who}. Nobody is free to speak with you now, and we are sorry. "
    "If you do not want another call, please call {number}. That number again: {number}. Goodbye."
)
GERMAN = (
    "Guten Tag. Das war ein Anruf von {who}. Leider ist gerade niemand frei, um mit Ihnen zu "
    "sprechen. Wenn Sie nicht mehr angerufen werden möchten, rufen Sie bitte {number} an. "
    "Ich wiederhole: {number}. Auf Wiederhören."
)
# The words and the language of the voice, by the campaign's country.
WORDS = {
    "de": (GERMAN, "de-DE"),
    "us": (ENGLISH, "en-US"),
    "ca": (ENGLISH, "en-US"),
}
OTHER = (ENGLISH, "en-GB")


def message_for_line(line_id: int) -> tuple[str, str]:
    """Return the text to say on this line, and the language of the voice as a tag such as `en-GB`.

    Raises NotFoundError if there is no such line.
    """
    row = _OF_LINE.row({"line_id": line_id})
    if row is None:
        raise NotFoundError("There is no such line.")
    words, language = WORDS.get(row.country.lower(), OTHER)
    who = row.controller or row.name
    return words.format(who=who, number=spoken(row.shown_number)), language


def spoken(number: str) -> str:
    """Return an international number in a form that a synthetic voice reads digit by digit."""
    return ", ".join(number.removeprefix("+"))
