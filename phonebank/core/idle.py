"""Lets the requests of strangers wait until the process has nothing more urgent to do.

In a gevent process, many requests take turns. A page for a stranger takes milliseconds of the
processor. If callers' requests are ready to go on at the same moment, they should not wait for the
page.
"""

import gevent
from gevent.monkey import is_module_patched


def wait_until_idle(seconds: float) -> None:
    """Wait until no other request of this process is ready to go on, but at most this many seconds.

    A request that waits for PostgreSQL or for its browser is not ready. In a process without
    gevent, this function returns at once.
    """
    if is_module_patched("threading"):
        with gevent.Timeout(seconds, exception=False):
            gevent.idle()
