"""Links in e-mails, which a job or a thread builds outside of a request."""

from typing import Any

from flask import current_app

from phonebank.core.config import current_config


def path_to(endpoint: str, **values: Any) -> str:
    """Return the path of a page on this site, by its endpoint and the values in its address."""
    return current_app.url_map.bind("").build(endpoint, values)


def link_to(endpoint: str, **values: Any) -> str:
    """Return the whole address of a page, as an e-mail needs it."""
    return current_config().base_url + path_to(endpoint, **values)
