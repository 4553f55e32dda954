"""The web process. Nothing imports this module."""

from gevent import monkey

monkey.patch_all()

from phonebank import collecting, connections, redis_settings  # noqa: E402  (sockets patched first)
from phonebank.app import create_app  # noqa: E402

app = create_app()
connections.check(app)
redis_settings.check(app)
collecting.rarely()
