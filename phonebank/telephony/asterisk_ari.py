"""Sends requests to ARI, Asterisk's REST interface."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter

from phonebank.telephony.backend import BackendUnavailableError

# Seconds to connect, and to wait for an answer. Asterisk answers within ten milliseconds.
TIMEOUTS = (2.0, 5.0)
AT_ONCE = 32


class Ari:
    """A client for one application on one Asterisk server. Several threads may share one client."""

    def __init__(self, url: str, user: str, password: str, app: str) -> None:
        self.app = app
        self._url = url
        self._sign_in = (user, password)
        self._session = requests.Session()
        self._session.auth = self._sign_in
        self._session.trust_env = False  # these requests use no proxy for web pages
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=AT_ONCE))

    @property
    def events_url(self) -> str:
        """The address of the websocket that sends Asterisk's events. The address contains the
        password, so it must not be logged."""
        parts = urlsplit(self._url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        key = ":".join(quote(part, safe="") for part in self._sign_in)
        return f"{scheme}://{parts.netloc}{parts.path}/ari/events?app={self.app}&api_key={key}"

    def ask(self, method: str, path: str, **sent: Any) -> requests.Response:
        """Send a request and return the answer. The arguments in `sent` are passed on to
        `requests`.

        An answer with a status such as 404 or 409 is returned, because the calling code may need
        the status. For example, 404 can mean that a channel no longer exists because someone has
        hung up. Raises BackendUnavailableError if Asterisk does not answer, refuses the password,
        or answers with a server error (500 or higher).
        """
        try:
            answer = self._session.request(
                method, f"{self._url}/ari{path}", timeout=TIMEOUTS, **sent
            )
        except requests.RequestException as fault:
            # The exception's text has the path, and a number may be in the path.
            raise BackendUnavailableError(f"Asterisk: {type(fault).__name__}") from None
        if answer.status_code >= 500 or answer.status_code in (401, 403):
            raise BackendUnavailableError(f"Asterisk answered {answer.status_code}")
        return answer

    def list_of(self, path: str) -> list[dict[str, Any]]:
        """Return one of the lists that Asterisk keeps: channels, bridges or endpoints. The list is
        empty if Asterisk answers with an error such as 404. Raises BackendUnavailableError as `ask`
        does."""
        answer = self.ask("GET", path)
        found: list[dict[str, Any]] = answer.json() if answer.ok else []
        return found
