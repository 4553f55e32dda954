"""Sets how many new connections a web process accepts from the operating system in one round of its
event loop.

If there are several web processes, gunicorn lets each of them accept only one connection in a
round. While twenty requests are under way, a round takes a twentieth of a second. So with ten
thousand phones, connections would wait for seconds in the operating system's queue, and the phones
would give up. A process does not see the connections in that queue. The process can answer or
refuse a request only after it has accepted the request's connection.
"""

from gevent.server import StreamServer
from gunicorn.workers import ggevent  # type: ignore[import-untyped]

CONNECTIONS_A_ROUND = 50


class Server(StreamServer):
    """A gevent server that accepts up to CONNECTIONS_A_ROUND connections in each round of the event
    loop, even if gunicorn sets a different number."""

    @property
    def max_accept(self) -> int:
        return CONNECTIONS_A_ROUND

    @max_accept.setter
    def max_accept(self, _: int) -> None:
        pass


def raise_max_accept() -> None:
    """Make gunicorn use `Server` in this process. Call this in each web process, before the process
    accepts connections."""
    ggevent.StreamServer = Server
