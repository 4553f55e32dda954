"""How many new connections a web process accepts from the operating system at a time.

If there are several processes, gunicorn's workers accept one connection in each round of the event
loop. A round takes a twentieth of a second while twenty requests are under way. With ten thousand
phones, connections wait for seconds in the operating system's queue, which the process does not
see, and the phones give up. A process can only answer or refuse a request after it has accepted the
connection.
"""

from gevent.server import StreamServer
from gunicorn.workers import ggevent  # type: ignore[import-untyped]

CONNECTIONS_A_ROUND = 50


class Server(StreamServer):
    """A gevent server that accepts up to CONNECTIONS_A_ROUND connections in each round of the event
    loop, even if gunicorn sets another number."""

    @property
    def max_accept(self) -> int:
        return CONNECTIONS_A_ROUND

    @max_accept.setter
    def max_accept(self, _: int) -> None:
        pass


def raise_max_accept() -> None:
    """Have gunicorn's gevent workers use `Server`. Call this before they begin to serve."""
    ggevent.StreamServer = Server
