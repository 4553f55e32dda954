"""The fixture `desk` for every test of scripts."""

from tests.phonebank.scripts.script_desk import desk

__all__ = ["desk"]  # a fixture
