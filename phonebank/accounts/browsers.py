"""What a browser says of itself, in words in which somebody recognises their own."""

import re

UNKNOWN = "A browser we don't recognise"

# The first that is found. Nearly all of them also name those that come after them here.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "a Chromebook"),
    ("Macintosh", "a Mac"),
    ("Linux", "Linux"),
)


def browser_words(user_agent: str) -> str:
    """The browser and its system, as in “Firefox on Android”, from a User-Agent header.

    An unknown one is named by its first word, if that is plain letters and digits.
    """
    system = next((words for mark, words in _SYSTEMS if mark in user_agent), "")
    browser = next((words for mark, words in _BROWSERS if mark in user_agent), "")
    if not browser:
        first = re.match(r"[A-Za-z0-9-]{1,30}", user_agent)
        browser = first[0] if first and not system else "A browser" if system else UNKNOWN
    return f"{browser} on {system}" if system else browser
