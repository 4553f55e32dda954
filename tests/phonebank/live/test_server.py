"""The doors of the socket server, without a client."""

import pytest

from callers import sockets as caller_sockets  # noqa: F401  (registers what sockets hear)
from phonebank.core import access
from phonebank.hosts import sockets  # noqa: F401  (registers what sockets hear)
from phonebank.live.server import _is_own_page, heard_events, socketio


def test_every_socket_event_has_an_access_rule() -> None:
    assert heard_events
    assert {event: rule for event, rule in heard_events.items() if rule not in access.RULES} == {}


def test_nothing_is_heard_past_the_guard() -> None:
    registered = {(namespace, event) for event, _, namespace in socketio.handlers}
    assert registered == set(heard_events)
    assert not socketio.namespace_handlers


@pytest.mark.parametrize(
    ("origin", "host", "ours"),
    [
        ("https://ring.example", "ring.example", True),
        # The proxy speaks plain HTTP to us, and may call us by another name.
        ("https://ring.example", "web-1:5000", True),
        ("http://192.168.1.5:5000", "192.168.1.5:5000", True),
        ("https://evil.example", "ring.example", False),
        ("https://ring.example.evil.example", "ring.example", False),
        ("null", "ring.example", False),
        (None, "ring.example", False),
    ],
)
def test_only_our_own_pages_open_sockets(origin: str | None, host: str, ours: bool) -> None:
    assert _is_own_page("https://ring.example", origin, {"HTTP_HOST": host}) is ours
