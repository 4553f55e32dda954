"""The web process. Nothing imports this module."""

from gevent import monkey

monkey.patch_all()

from phonebank import collecting, connections  # noqa: E402  (sockets must be patched first)
from phonebank.app import create_app  # noqa: E402

app = create_app()
connections.check(app)
collecting.rarely()
