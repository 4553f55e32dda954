"""Gunicorn's settings for tests that read its log. With them the loggers write every message and
address."""

import logging
import runpy
from pathlib import Path

globals().update(runpy.run_path(str(Path(__file__).parent.parent / "gunicorn.conf.py")))

logging.basicConfig(level=logging.DEBUG)

accesslog = "-"
loglevel = "debug"
