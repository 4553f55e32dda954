"""The web process. Nothing imports this module."""

from gevent import monkey

monkey.patch_all()

from phonebank import (  # noqa: E402  (sockets must be patched first)
    accepting,
    collecting,
    connections,
    redis_settings,
)
from phonebank.app import create_app  # noqa: E402

app = create_app()
connections.check(app)
redis_settings.check(app)
accepting.take_many()
collecting.rarely()
