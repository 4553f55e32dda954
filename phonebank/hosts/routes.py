"""Register the host's pages, the board, the public summary, and the board's websocket."""

from flask import Flask

from phonebank.hosts import (
    board_views,
    caller_views,  # noqa: F401  (adds its forms to the blueprint)
    cohost_views,  # noqa: F401  (adds its forms to the blueprint)
    listing_views,  # noqa: F401  (adds its pages to the blueprint)
    sockets,  # noqa: F401  (registers the handlers of socket events)
    summary_views,
    training_views,  # noqa: F401  (adds its pages to the blueprint)
    views,  # noqa: F401  (adds its pages to the blueprint)
)
from phonebank.hosts.blueprint import pages


def init_app(app: Flask) -> None:
    """Register the blueprints."""
    app.register_blueprint(pages)
    app.register_blueprint(board_views.pages)
    app.register_blueprint(summary_views.public)
