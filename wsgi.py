"""The app for the web processes. Only gunicorn imports this module."""

from gevent import monkey

monkey.patch_all()

from phonebank.app import create_app  # noqa: E402  (sockets must be patched first)
from phonebank.core import connection_budget, redis_settings  # noqa: E402

app = create_app()
connection_budget.check(app)
redis_settings.check(app)
