"""Finds the names of a browser and its operating system in a User-Agent header."""

import re

UNKNOWN = "A browser we don't recognise"

# The first of these marks that a header contains decides the name. The order matters, because
# nearly every browser's header also contains later marks.
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
    """Return the names of a browser and its operating system, as in “Firefox on Android”, from a
    User-Agent header.

    If only the system is known, the browser is called “A browser”. If only the browser is known,
    return only its name. If both are unknown, return the letters, digits and hyphens at the start
    of the header, up to 30 of them. If there are none, return UNKNOWN.
    """
    system = next((words for mark, words in _SYSTEMS if mark in user_agent), "")
    browser = next((words for mark, words in _BROWSERS if mark in user_agent), "")
    if not browser:
        first = re.match(r"[A-Za-z0-9-]{1,30}", user_agent)
        browser = first[0] if first and not system else "A browser" if system else UNKNOWN
    return f"{browser} on {system}" if system else browser
