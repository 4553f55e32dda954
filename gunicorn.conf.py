"""How gunicorn runs the `web` processes. A gunicorn that is started in this folder reads this file.

docs/operations.md describes the environment variables. A variable that is empty counts as not set,
except WEB_CONCURRENCY, which gunicorn reads before this file.
"""

import gc
import os
from typing import Any

from phonebank.core import accept_limit, gc_tuning, gunicorn_settings


def _number(name: str, default: int) -> int:
    return int(os.environ.get(name) or default)


wsgi_app = "wsgi:app"
bind = f"{os.environ.get('HOST') or '127.0.0.1'}:{_number('PORT', 5000)}"
workers = _number("WEB_CONCURRENCY", 2)
worker_class = "gevent"
worker_connections = _number("WEB_CONNECTIONS", 10_000)
graceful_timeout = _number("WEB_GRACEFUL_SECONDS", 5)
# gunicorn would open a socket for commands, and Phonebank sends none.
control_socket_disable = True
# While a process loads Phonebank, Python's garbage collector finds nothing, and takes a fifth of
# the time. `freeze_and_throttle_gc` lets it run again.
gc.disable()


def post_worker_init(worker: Any) -> None:
    """Set the process up. gunicorn calls this function in each web process, after the process has
    loaded the application and before the process accepts a connection."""
    accept_limit.raise_max_accept()
    gunicorn_settings.keep_as_attributes(worker.cfg)
    gc_tuning.freeze_and_throttle_gc()
