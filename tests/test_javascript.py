"""Runs the tests of our JavaScript without a browser, in Node's own test runner."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TESTS = sorted((ROOT / "tests" / "javascript").glob("*.test.js"))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_the_javascript_tests_pass(path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine (sudo apt-get install nodejs); Phonebank needs none")
    run = subprocess.run(
        [node, "--test", str(path)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-2000:]
    assert "# fail 0" in run.stdout
