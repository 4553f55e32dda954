"""The web process. Nothing imports this module."""

from gevent import monkey

monkey.patch_all()

from phonebank.app import create_app  # noqa: E402
from phonebank.core import accept_rate, connection_check, gc_tuning, redis_settings  # noqa: E402

app = create_app()
connection_check.check(app)
redis_settings.check(app)
accept_rate.take_many()
gc_tuning.rarely()
