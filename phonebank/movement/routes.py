"""Registers the pages for volunteers and strangers."""

from flask import Flask

from phonebank.core.security import csrf
from phonebank.movement import (
    call_out_sockets,  # noqa: F401  (registers the handlers of socket events)
    call_out_views,  # noqa: F401  (adds its pages to the blueprint)
    check_views,  # noqa: F401  (adds its pages to the blueprint)
    guest_views,
    hall_views,  # noqa: F401  (adds its pages to the blueprint)
    kept_pages,
    near_views,
    offer_views,  # noqa: F401  (adds its pages to the blueprint)
    sheet_views,  # noqa: F401  (adds its pages to the blueprint)
    still_right_views,  # noqa: F401  (adds its pages to the blueprint)
    training_views,  # noqa: F401  (adds its pages to the blueprint)
    volunteer_views,  # noqa: F401  (adds its pages to the blueprint)
)
from phonebank.movement.blueprint import pages


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(pages)
    kept_pages.init_app(app)
    csrf.exempt(near_views.search)
    app.register_blueprint(near_views.near)
    app.register_blueprint(guest_views.guest_pages)
