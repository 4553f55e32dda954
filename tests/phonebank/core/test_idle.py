"""What waits until a gevent process has nothing more urgent to do."""

import subprocess
import sys
import time

import pytest

from phonebank.core.idle import wait_until_idle

IN_GEVENT = """
from gevent import monkey
monkey.patch_all()
import gevent, time
from phonebank.core.idle import wait_until_idle

done = []

def caller(name):
    for _ in range(3):
        done.append(name)
        gevent.sleep(0)

def stranger():
    wait_until_idle(5)
    done.append("stranger")

gevent.joinall([gevent.spawn(stranger), gevent.spawn(caller, "a"), gevent.spawn(caller, "b")])
assert sorted(done[:6]) == ["a"] * 3 + ["b"] * 3, done
assert done[6:] == ["stranger"], done

busy_until = time.monotonic() + 1.5

def never_idle():
    while time.monotonic() < busy_until:
        gevent.sleep(0)

working = gevent.spawn(never_idle)
began = time.monotonic()
wait_until_idle(0.3)
assert 0.3 <= time.monotonic() - began < 1.2, time.monotonic() - began
working.join()

began = time.monotonic()
slow = gevent.spawn(gevent.sleep, 2)  # as a request that waits for PostgreSQL
wait_until_idle(1.5)
assert time.monotonic() - began < 1
"""


def test_a_stranger_s_request_lets_those_go_first_that_are_ready() -> None:
    ran = subprocess.run([sys.executable, "-c", IN_GEVENT], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_nothing_waits_in_a_process_without_gevent() -> None:
    began = time.monotonic()
    wait_until_idle(30)
    assert time.monotonic() - began == pytest.approx(0, abs=5)
