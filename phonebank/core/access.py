"""The access rules. Every view has a rule, and a view without a rule is closed to everyone.

The decorator `open_to` puts the rule on the view, and `init_app` checks it before the view runs. A
rule says which kind of person may open the page at all. The service that loads a campaign or party
decides whether this person may see it.
"""

from collections.abc import Callable
from typing import TypeVar

from flask import Flask, current_app, request
from flask_security import current_user

from phonebank.core.errors import NotAllowedError, SignInRequiredError
from phonebank.models import RoleName

View = TypeVar("View", bound=Callable[..., object])

ANYONE = "anyone"
CALLER = "caller"
TV = "tv"  # the token in a board's address opens the board
SIGNED_IN = "signed in"
RULES = (ANYONE, CALLER, TV, SIGNED_IN, RoleName.HOST, RoleName.ORGANISER)


def open_to(rule: str) -> Callable[[View], View]:
    """Mark a view with its rule, which is one of RULES. HOST also lets organisers in."""
    if rule not in RULES:
        raise ValueError(f"unknown access rule {rule!r}")

    def decorate(view: View) -> View:
        view.access_rule = rule  # type: ignore[attr-defined]
        return view

    return decorate


def rule_of(app: Flask, endpoint: str) -> str | None:
    """Return the rule of an endpoint; None if its view has no rule, or if there is no view."""
    return getattr(app.view_functions.get(endpoint), "access_rule", None)


def init_app(app: Flask) -> None:
    """Check the rule of every request before its view runs."""
    open_to(ANYONE)(app.view_functions["static"])
    app.before_request(_check_request)


def _check_request() -> None:
    if request.endpoint is not None:  # without an endpoint the answer is a 404
        check(rule_of(current_app, request.endpoint))


def check(rule: str | None) -> None:
    """Raise SignInRequiredError or NotAllowedError unless the person who asks satisfies the rule.

    A request to a view with the rule CALLER or TV always passes here. The view's own decorator
    checks the caller's cookie or the board's token.
    """
    if rule is None:
        raise NotAllowedError(
            "This page is not open to anyone yet.", "Tell the person who runs this server."
        )
    if rule in (ANYONE, CALLER, TV):
        return
    if not current_user.is_authenticated:
        raise SignInRequiredError(
            "This page is for organisers and hosts.", "Sign in, then come back."
        )
    if rule == RoleName.ORGANISER and not current_user.is_organiser:
        raise NotAllowedError("This page is for organisers.", "Ask an organiser to do it for you.")
    if rule == RoleName.HOST and not (current_user.is_host or current_user.is_organiser):
        raise NotAllowedError(
            "This page is for party hosts.", "Ask an organiser to make you a host."
        )
