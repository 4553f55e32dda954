"""Registers the pages of volunteers and strangers."""

from flask import Flask

from phonebank.movement import volunteer_views  # noqa: F401  (adds its pages to the blueprint)
from phonebank.movement.blueprint import pages


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(pages)
