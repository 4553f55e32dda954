"""The soak in a minute: everything is killed in turn, and every promise is kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.crash
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_promise_is_kept_while_everything_is_killed() -> None:
    soak = subprocess.run(
        [sys.executable, "-m", "tests.crash.soak"],
        cwd=ROOT,
        env={**os.environ, "SOAK_SECONDS": "20", "SOAK_CALLERS": "10"},
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )
    assert soak.returncode == 0, soak.stdout + soak.stderr
    print(soak.stdout)
