"""How many new connections a web process accepts from the operating system at a time.

With several processes, gunicorn accepts one connection in each round of the event loop, and a round
takes as long as everything under way does in it: a twentieth of a second with twenty requests. Ten
thousand phones then waited for seconds in a queue that the process did not see, and gave up. A
process must accept a connection before it can answer a request, or refuse one at once.
"""

from gevent.server import StreamServer
from gunicorn.workers import ggevent  # type: ignore[import-untyped]

CONNECTIONS_A_ROUND = 50


class Server(StreamServer):
    """A gevent server that accepts up to CONNECTIONS_A_ROUND connections in each round of the event
    loop, whatever gunicorn sets."""

    @property
    def max_accept(self) -> int:
        return CONNECTIONS_A_ROUND

    @max_accept.setter
    def max_accept(self, _: int) -> None:
        pass


def raise_max_accept() -> None:
    """Have gunicorn's gevent workers use `Server`. Call this before they begin to serve."""
    ggevent.StreamServer = Server
