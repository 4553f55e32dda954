"""How gunicorn runs the `web` processes. Started in this folder, it reads this file by itself.

docs/operations.md tells of the variables. An empty one counts as not set, except WEB_CONCURRENCY,
which gunicorn reads before this file.
"""

import os
from typing import Any

from phonebank.core import accept_limit, gc_tuning


def _number(name: str, default: int) -> int:
    return int(os.environ.get(name) or default)


wsgi_app = "wsgi:app"
bind = f"{os.environ.get('HOST') or '127.0.0.1'}:{_number('PORT', 5000)}"
workers = _number("WEB_CONCURRENCY", 2)
worker_class = "gevent"
worker_connections = _number("WEB_CONNECTIONS", 10_000)
graceful_timeout = _number("WEB_GRACEFUL_SECONDS", 5)
# A socket for commands to gunicorn itself, which nobody here sends.
control_socket_disable = True


def post_worker_init(_worker: Any) -> None:
    """In each process, with the application complete and no connection taken yet."""
    accept_limit.raise_max_accept()
    gc_tuning.freeze_and_throttle_gc()
