"""A small installation, walked through in the browser as the benchmark does with a large one."""

import subprocess
import sys

import pytest


@pytest.mark.pages
@pytest.mark.browser
@pytest.mark.timeout(660)
def test_the_walk_through_a_million_people_finds_its_way() -> None:
    command = [sys.executable, "-m", "bench.million", "3000", "300"]
    walk = subprocess.run(command, capture_output=True, text=True, timeout=600)
    # Whether the bars are kept says nothing here, where other tests use the same processors.
    assert "3,000 people, 300 calls:" in walk.stdout, walk.stdout[-3000:] + walk.stderr[-3000:]
