"""The yardstick is the app with which `bench.cycle` compares Phonebank. The yardstick does only the
least work that any app must do to claim a person (give a caller the next person) and to record an
outcome.

For each request, a Flask view runs one Lua script in Redis, and stores two rows, each row in its
own transaction. In Phonebank, one request records an outcome and claims the next person. For that
request, Phonebank runs as many Lua scripts as the yardstick, and commits as often. The yardstick
reaches PostgreSQL and Redis through Phonebank's own connection pools, and uses no view, rule or
table of Phonebank.
"""

from gevent import monkey

monkey.patch_all()

import os  # noqa: E402  (sockets must be patched first)

from flask import Flask, jsonify, request  # noqa: E402
from sqlalchemy import text  # noqa: E402

from phonebank.core import db as database  # noqa: E402
from phonebank.core import redis  # noqa: E402
from phonebank.core.config import Config  # noqa: E402
from phonebank.core.db import db  # noqa: E402
from phonebank.core.redis import redis_store  # noqa: E402
from phonebank.models import new_id  # noqa: E402

_INSERT = text("INSERT INTO bench_bare VALUES (:id, :phone, now(), :note)")
_TAKE = """
local first = redis.call('ZRANGE', KEYS[1], 0, 0)
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
return first
"""


def create_bare_app() -> Flask:
    """Create the Flask app that the docstring of this module describes. The app has one view."""
    app = Flask(__name__)
    config = Config.from_environment(os.environ)
    database.init_app(app, config.database_url)
    redis.init_app(app, config.redis_url)
    with app.app_context():
        take = redis_store().register_script(_TAKE)

    @app.post("/")
    def cycle():
        sent = request.get_json()
        take(keys=["bench:bare"], args=[1, 1])
        for _ in range(2):
            with db.engine.begin() as connection:
                row = {"id": new_id(), "phone": "+442079460000", "note": sent["outcome"]}
                connection.execute(_INSERT, row)
        return jsonify(outcome=sent["outcome"])

    return app


app = create_bare_app()
