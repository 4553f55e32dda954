"""Tests what gunicorn reads from its settings file, and how a web process sets itself up."""

import os
import subprocess
import sys

import pytest

from phonebank.core.install_paths import ROOT

VARIABLES = ("HOST", "PORT", "WEB_CONCURRENCY", "WEB_CONNECTIONS", "WEB_GRACEFUL_SECONDS")
# gunicorn reads the file here without an application.
SETTINGS = """
from gunicorn.app.base import Application
class Bare(Application):
    def init(self, *_): pass
    def load(self): pass
c = Bare("%(prog)s").cfg
print(c.bind, c.workers, c.worker_connections, c.graceful_timeout, c.worker_class_str,
      c.control_socket_disable, c.wsgi_app)
"""
IN_A_PROCESS = """
import gc, runpy
before = gc.get_threshold()
settings = runpy.run_path("gunicorn.conf.py")
assert gc.get_threshold() == before, "the parent of the web processes stays as it is"
from types import SimpleNamespace
from gunicorn.config import Config
from gunicorn.workers import ggevent
worker = SimpleNamespace(cfg=Config())
settings["post_worker_init"](worker)
assert "keepalive" in vars(worker.cfg), "the settings are quick to read"
print(gc.get_threshold()[2] > 1_000_000, gc.get_freeze_count() > 0, ggevent.StreamServer.__module__)
"""


def output_of(code: str, **environment: str) -> str:
    others = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=others | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.strip()


@pytest.mark.parametrize(
    ("environment", "understood"),
    [
        ({}, "['127.0.0.1:5000'] 2 10000 5"),
        (dict.fromkeys(set(VARIABLES) - {"WEB_CONCURRENCY"}, ""), "['127.0.0.1:5000'] 2 10000 5"),
        (
            {
                "HOST": "192.0.2.1",
                "PORT": "8080",
                "WEB_CONCURRENCY": "3",
                "WEB_CONNECTIONS": "70",
                "WEB_GRACEFUL_SECONDS": "9",
            },
            "['192.0.2.1:8080'] 3 70 9",
        ),
    ],
)
def test_the_environment_says_where_and_how_many(
    environment: dict[str, str], understood: str
) -> None:
    assert output_of(SETTINGS, **environment) == f"{understood} gevent True wsgi:app"


def test_each_web_process_takes_many_connections_and_rarely_collects_garbage() -> None:
    assert output_of(IN_A_PROCESS) == "True True phonebank.core.accept_limit"
