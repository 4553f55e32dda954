"""The second web machine of the soak: the same application, by a clock that is ahead or behind.

    SOAK_CLOCK_AHEAD=-2 gunicorn … tests.crash.other_clock:app

It wraps Python's two ways of asking the time before anything of ours is loaded, so the software
needs no switch for it and cannot notice. PostgreSQL and Redis keep their own clocks.
"""

import datetime as datetime_module
import os
import time
from typing import Any

AHEAD = float(os.environ.get("SOAK_CLOCK_AHEAD") or 0)  # seconds

_time = time.time
_datetime = datetime_module.datetime


class _Ahead(_datetime):
    @classmethod
    def now(cls, tz: datetime_module.tzinfo | None = None) -> Any:
        return _datetime.now(tz) + datetime_module.timedelta(seconds=AHEAD)


time.time = lambda: _time() + AHEAD

from phonebank.models import base  # noqa: E402  (after the clock)

base.datetime = _Ahead  # type: ignore[attr-defined]

from wsgi import app  # noqa: E402

__all__ = ["app"]
