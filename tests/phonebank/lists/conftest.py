"""A desk for the tests of uploads."""

from tests.phonebank.lists.upload_desk import upload_desk as desk

__all__ = ["desk"]  # a fixture
