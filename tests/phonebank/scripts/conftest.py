"""The fixtures for every test of scripts."""

from tests.phonebank.scripts.ready_made import campaign, script
from tests.phonebank.scripts.script_desk import desk

__all__ = ["campaign", "desk", "script"]  # fixtures
