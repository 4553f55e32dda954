"""Sends requests to Twilio, or to a service that is compatible with it."""

import logging
from collections.abc import Callable
from typing import Any

from requests import ConnectTimeout, RequestException
from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from urllib3.exceptions import NewConnectionError

TWILIO = "https://api.twilio.com"
# Seconds for the connection, and for the answer. Twilio places a call in well under a second.
TIMEOUTS = (3.05, 10.0)
CONNECTIONS = 32

# Twilio's library logs the address of each request. That is too much for a server's log.
_quiet = logging.getLogger(f"{__name__}.requests")
_quiet.setLevel(logging.WARNING)


class NoAnswerError(Exception):
    """The error for a request that got no answer.

    `was_sent` is False if the request cannot have reached Twilio. Otherwise, Twilio may have done
    what was asked.
    """

    def __init__(self, was_sent: bool) -> None:
        super().__init__("Twilio did not answer.")
        self.was_sent = was_sent


class PacedHttpClient(TwilioHttpClient):  # type: ignore[misc]
    """Sends the requests of Twilio's library.

    `base` replaces Twilio's address. `base` may end with a path, as a compatible service's address
    does. `wait_to_dial` is called before each request that starts a call. `wait_to_dial` must
    return when the account may start a call, or raise an error.
    """

    def __init__(self, base: str, wait_to_dial: Callable[[], None]) -> None:
        super().__init__(logger=_quiet)
        self.timeout = TIMEOUTS
        # Several threads send requests at once, and each connection takes time to open.
        self.session.mount(base, HTTPAdapter(pool_maxsize=CONNECTIONS))
        self._base = base.rstrip("/")
        self._wait_to_dial = wait_to_dial

    def request(self, method: str, url: str, *args: Any, **named: Any) -> Response:
        """Send the request. Raises NoAnswerError if the request gets no answer. Also raises any
        error that `wait_to_dial` raises."""
        if method.upper() == "POST" and url.endswith("/Calls.json"):
            self._wait_to_dial()
        address = self._base + url.removeprefix(TWILIO)
        try:
            return super().request(method, address, *args, **named)
        except RequestException as error:
            raise NoAnswerError(_was_sent(error)) from None


def _was_sent(error: RequestException) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return not isinstance(error, ConnectTimeout) and not isinstance(reason, NewConnectionError)
