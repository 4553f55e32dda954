"""Who may open what. Every route carries a rule; a route without one is shut to everyone.

The rule is put on the view by a decorator, and checked before the view runs. Rules say which
kind of person may come in at all; whether this campaign or party is theirs is asked by the verb
that loads it.
"""

from collections.abc import Callable
from typing import TypeVar

from flask import Flask, current_app, request
from flask_security import current_user

from phonebank.core.errors import NotAllowed, SignInNeeded
from phonebank.models import HOST, ORGANISER

View = TypeVar("View", bound=Callable[..., object])

ANYONE = "anyone"
CALLER = "caller"
TV = "tv"  # proves itself by the token in its address
SIGNED_IN = "signed in"
RULES = (ANYONE, CALLER, TV, SIGNED_IN, HOST, ORGANISER)

# Views that a library brings, by endpoint.
LIBRARY_RULES: dict[str, str] = {"static": ANYONE}


def open_to(rule: str) -> Callable[[View], View]:
    """Mark a view with its rule: one of RULES. HOST also lets organisers in."""
    if rule not in RULES:
        raise ValueError(f"unknown access rule {rule!r}")

    def decorate(view: View) -> View:
        view.access_rule = rule  # type: ignore[attr-defined]
        return view

    return decorate


def rule_of(app: Flask, endpoint: str) -> str | None:
    """The rule of an endpoint, or None when nobody gave it one."""
    view = app.view_functions.get(endpoint)
    return LIBRARY_RULES.get(endpoint) or getattr(view, "access_rule", None)


def register(app: Flask) -> None:
    """Check the rule of every request before its view runs."""

    @app.before_request
    def keep_the_door() -> None:
        if request.endpoint is None:
            return  # no such page: the 404 tells
        check(rule_of(current_app, request.endpoint))


def check(rule: str | None) -> None:
    """Raise SignInNeeded or NotAllowed unless the person asking satisfies the rule.

    CALLER and TV prove themselves in the view's own decorator, which holds the caller's cookie
    or the board's token.
    """
    if rule is None:
        raise NotAllowed(
            "This page is not open to anyone yet.", "Tell the person who runs this server."
        )
    if rule in (ANYONE, CALLER, TV):
        return
    if not current_user.is_authenticated:
        raise SignInNeeded("This page is for organisers and hosts.", "Sign in, then come back.")
    if rule == ORGANISER and not current_user.is_organiser:
        raise NotAllowed("This page is for organisers.", "Ask an organiser to do it for you.")
    if rule == HOST and not (current_user.is_host or current_user.is_organiser):
        raise NotAllowed("This page is for party hosts.", "Ask an organiser to make you a host.")
