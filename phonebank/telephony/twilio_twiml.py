"""Writes the instructions that tell Twilio what to do with a line. TwiML is Twilio's language for
these instructions.

Each caller has a separate room, which Twilio calls a conference. A room's name is made from the id
of the caller's line, so it reveals nothing about any person.
"""

from urllib.parse import urlencode
from xml.etree import ElementTree as Xml

# The addresses at which Twilio reaches us. `phone_webhooks.views` answers there.
STATUS = "/phone/twilio/status"
ROOM = "/phone/twilio/room"
MESSAGE = "/phone/twilio/message"
PLAYED = "/phone/twilio/played"
# How many seconds an answered line waits to be joined. After that, Twilio plays the information
# message by itself. This happens while no dialler runs. A dialler plays the message after at most
# two seconds.
SILENCE_AT_MOST = 4


def webhook(base_url: str, path: str, line_id: int) -> str:
    """Return the public address to which Twilio sends webhooks about a line."""
    return f"{base_url}{path}?{urlencode({'line': line_id})}"


def room_name(caller_line_id: int) -> str:
    """Return the name of a caller's conference room."""
    return label(caller_line_id)


def label(line_id: int) -> str:
    """Return the name by which Twilio knows a line in a conference room."""
    return f"line-{line_id}"


def line_of(label: str) -> int | None:
    """Return the id of the line with this label or room name, or None for any other text."""
    number = label.removeprefix("line-")
    return int(number) if number.isascii() and number.isdigit() and number != label else None


def into_own_room(base_url: str, line_id: int) -> str:
    """Return the TwiML that makes a caller's line enter its room and stay there. Twilio plays music
    while nobody else is in the room. When the caller leaves, the room closes."""
    return _into_room(base_url, line_id, line_id, ends_room=True)


def into_room_of(base_url: str, line_id: int, caller_line_id: int) -> str:
    """Return the TwiML that makes a person's line enter a caller's room."""
    return _into_room(base_url, line_id, caller_line_id, ends_room=False)


def _into_room(base_url: str, line_id: int, caller_line_id: int, ends_room: bool) -> str:
    response = Xml.Element("Response")
    room = Xml.SubElement(
        Xml.SubElement(response, "Dial"),
        "Conference",
        {
            "beep": "false",
            "startConferenceOnEnter": "true",
            "endConferenceOnExit": "true" if ends_room else "false",
            # A second person can never hear the first.
            "maxParticipants": "2",
            "participantLabel": label(line_id),
            "statusCallback": webhook(base_url, ROOM, caller_line_id),
            "statusCallbackEvent": "join leave",
        },
    )
    room.text = room_name(caller_line_id)
    return _text(response)


def wait_to_be_joined(base_url: str, line_id: int) -> str:
    """Return the TwiML for a person who has just answered. The line waits to be joined to a caller.
    If it has not been joined after SILENCE_AT_MOST seconds, Twilio asks us for the information
    message."""
    response = Xml.Element("Response")
    Xml.SubElement(response, "Pause", {"length": str(SILENCE_AT_MOST)})
    Xml.SubElement(response, "Redirect").text = webhook(base_url, MESSAGE, line_id)
    return _text(response)


def say_message(base_url: str, line_id: int, words: str, language: str) -> str:
    """Return the TwiML with which Twilio says the message to a person for whom no caller is free.
    Then Twilio tells us that it has said the message. `language` is a tag such as `en-GB`."""
    response = Xml.Element("Response")
    Xml.SubElement(response, "Say", {"language": language}).text = words
    Xml.SubElement(response, "Redirect").text = webhook(base_url, PLAYED, line_id)
    return _text(response)


def end() -> str:
    """Return the TwiML that hangs up a telephone line."""
    response = Xml.Element("Response")
    Xml.SubElement(response, "Hangup")
    return _text(response)


def _text(response: Xml.Element) -> str:
    return Xml.tostring(response, encoding="unicode")
