"""How many new connections a web process takes from the operating system's line at a time.

Gunicorn takes one in each round of the loop where there are several processes. A round is as long
as all that is under way takes in it: with twenty requests a twentieth of a second. Ten thousand
phones then waited for seconds in a line of which the process knew nothing, and gave up. What waits
must be taken in before it can be answered, or refused at once.
"""

from gevent.server import StreamServer
from gunicorn.workers import ggevent  # type: ignore[import-untyped]

AT_ONCE = 50


class Server(StreamServer):
    """Takes up to AT_ONCE connections in a round, whatever gunicorn would have."""

    @property
    def max_accept(self) -> int:
        return AT_ONCE

    @max_accept.setter
    def max_accept(self, _: int) -> None:
        pass


def take_many() -> None:
    """Have gunicorn's gevent workers serve so. Call it before they begin to."""
    ggevent.StreamServer = Server
