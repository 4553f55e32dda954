"""Paths and links to pages of this site, for example for e-mails. A job or thread may also call
these functions outside a request, but needs an app context."""

from typing import Any

from flask import current_app

from phonebank.core.config import current_config


def path_to(endpoint: str, **values: Any) -> str:
    """Return the path of the page with this endpoint. `values` replace the variable parts of the
    page's address."""
    return current_app.url_map.bind("").build(endpoint, values)


def link_to(endpoint: str, **values: Any) -> str:
    """Return the full address of a page, as needed in an e-mail."""
    return current_config().base_url + path_to(endpoint, **values)
