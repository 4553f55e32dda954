"""An organiser at a desk with a campaign that has a script."""

from tests.phonebank.scripts.script_desk import desk

__all__ = ["desk"]  # a fixture
