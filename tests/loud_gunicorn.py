"""Gunicorn's settings for tests that read its log: every logger's every line, every address."""

import logging

logging.basicConfig(level=logging.DEBUG)

accesslog = "-"
loglevel = "debug"
