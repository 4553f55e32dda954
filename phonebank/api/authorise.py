"""Decide from the token in a request whether the request may use an address of the API.

The token comes in the `Authorization` header. The API ignores cookies. So a web page in an
organiser's browser cannot use the API in the organiser's name, and requests need no CSRF token.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from flask import g, request
from sqlalchemy import Row

from phonebank.api_tokens.tokens import find_token, note_use
from phonebank.core.access import TOKEN, open_to
from phonebank.core.db import autocommit, db
from phonebank.core.errors import NotAllowedError, SignInRequiredError
from phonebank.core.rate_limits import limiter
from phonebank.models import Scope

View = TypeVar("View", bound=Callable[..., Any])

# The limit on the requests with one token. A request returns at most 500 people, so a token can
# read 600,000 people a minute.
RATE = "1200 per minute"


def rate() -> str:
    """Return the limit on the number of requests with one token, as text for Flask-Limiter."""
    return RATE


def _too_fast() -> str:
    return f"This token may send {rate().replace(' per ', ' requests a ')}."


class TokenRequiredError(SignInRequiredError):
    title = "A token is needed"


def for_token(scope: Scope) -> Callable[[View], Callable[..., Any]]:
    """Open a view to requests with a token that has this scope, and limit the rate of each token's
    requests.

    The view gets the token by calling `token`. Each SQL statement of the view is a separate
    transaction. A view that writes begins a transaction itself, and commits it.
    """

    def decorate(view: View) -> Callable[..., Any]:
        limited = _limit(view)

        @functools.wraps(view)
        @autocommit
        def checked(*args: Any, **kwargs: Any) -> Any:
            g.api_token = _find(scope)
            return limited(*args, **kwargs)

        return open_to(TOKEN)(checked)

    return decorate


def token() -> Row[Any]:
    """Return the row that `find_token` returned for this request's token."""
    found: Row[Any] = g.api_token
    return found


def _token_key() -> str:
    return f"token {token().id}"


# The requests with one token to all addresses of the API are counted together.
_limit = limiter.shared_limit(rate, scope="api", key_func=_token_key, error_message=_too_fast)


def _find(scope: Scope) -> Row[Any]:
    """Return the database row of the request's token, and note its use (`note_use`). Raises
    TokenRequiredError if the request has no working token. Raises NotAllowedError if the token
    lacks the scope, or if the organiser who made the token may no longer give it the scope."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    found = find_token(secret.strip()) if kind.lower() == "bearer" else None
    if found is None:
        raise TokenRequiredError(
            "This address needs a token that works, in the header “Authorization: Bearer …”.",
            "An organiser makes tokens on the campaign's page, under “Other software”.",
        )
    if scope not in found.scopes:
        raise NotAllowedError(
            f"This token does not have the scope {scope}.",
            f"Ask an organiser for a token with the scope {scope}.",
        )
    if scope == Scope.ADD_DO_NOT_CALL and not found.is_of_whole_installation:
        raise NotAllowedError(
            "The organiser who made this token no longer organises all campaigns.",
            f"Ask an organiser of all campaigns for a token with the scope {scope}.",
        )
    if note_use(found.id, found.last_used_at):
        db.session.commit()
    return found
