"""What the tests of the local servers share."""

import random

import pytest

from phonebank.local.environment import _listen_error


@pytest.fixture
def port() -> int:
    """A port that no server listens on."""
    # Below the range that the kernel lends to clients, so that it is still free in a moment.
    while True:
        port = random.randint(20_000, 30_000)
        if not _listen_error("127.0.0.1", port):
            return port
