"""An organiser's browser."""

from tests.phonebank.organisers.conftest import organiser

__all__ = ["organiser"]
