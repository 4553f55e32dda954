"""The access rules. Every view needs a rule: a view without one is closed to everyone.

The decorator `open_to` puts the rule on the view. `init_app` makes the app check the rule before
the view runs. A rule says what kind of person or client may open the page.

If the rule is ORGANISER or VIEWER, the page's address decides where the person needs that role. If
the address contains a `campaign_id`, the person needs the role in that campaign, and
`scopes.campaign_for` checks this. If the address contains no `campaign_id`, the page is about the
whole installation, and the person needs the role for the whole installation. A page for organisers
or viewers of any part of the installation has one of the ANYWHERE rules, and its view shows only
what the person may see. The views for the hosts of a party call `parties.services.party_for`, which
raises NotFoundError for a party that the account may not run.
"""

from collections.abc import Callable
from typing import TypeVar

from flask import Flask, current_app, request
from flask_security import current_user

from phonebank.core import scopes
from phonebank.core.errors import NotAllowedError, SignInRequiredError
from phonebank.models import RoleName

View = TypeVar("View", bound=Callable[..., object])

ANYONE = "anyone"
CALLER = "caller"
VOLUNTEER = "volunteer"
TV = "tv"  # the token in a board's address opens the board
TOKEN = "token"  # noqa: S105  (a rule: the view checks the API client's token)
SIGNED = "signed"  # the view checks the telephone service's signature
SIGNED_IN = "signed in"
ORGANISER_ANYWHERE = "organiser anywhere"
VIEWER_ANYWHERE = "viewer anywhere"
# The rules that need an account.
ACCOUNT_RULES = (
    SIGNED_IN,
    RoleName.HOST,
    RoleName.VIEWER,
    VIEWER_ANYWHERE,
    RoleName.ORGANISER,
    ORGANISER_ANYWHERE,
)
RULES = (ANYONE, CALLER, VOLUNTEER, TV, TOKEN, SIGNED, *ACCOUNT_RULES)


def open_to(rule: str) -> Callable[[View], View]:
    """Give a view its access rule, which is one of RULES. A view with the rule HOST, VIEWER or
    VIEWER_ANYWHERE is open to organisers too. Raises ValueError for an unknown rule."""
    if rule not in RULES:
        raise ValueError(f"unknown access rule {rule!r}")

    def decorate(view: View) -> View:
        view.access_rule = rule  # type: ignore[attr-defined]
        return view

    return decorate


def rule_of(app: Flask, endpoint: str) -> str | None:
    """Return the access rule of an endpoint's view, or None if there is no view or the view has no
    rule."""
    return getattr(app.view_functions.get(endpoint), "access_rule", None)


def init_app(app: Flask) -> None:
    """Make the app check the view's access rule (`check`) before the view runs."""
    open_to(ANYONE)(app.view_functions["static"])
    app.before_request(_check_request)


def _check_request() -> None:
    if request.endpoint is not None:  # without an endpoint the answer is a 404
        campaign_id = (request.view_args or {}).get("campaign_id")
        check(rule_of(current_app, request.endpoint), campaign_id)


def check(rule: str | None, campaign_id: int | None = None) -> None:
    """Check that the person who sent the request satisfies the view's access rule. Raises
    SignInRequiredError if the rule needs an account and nobody is signed in. Raises NotAllowedError
    if the account does not satisfy the rule, or if `rule` is None because the view has no rule.

    `campaign_id` is the id of the campaign that the address names, or None if it names none. With
    the rule ORGANISER or VIEWER, raises NotFoundError if there is no such campaign, or if the
    person is an organiser or viewer only of other campaigns.

    With the rule ANYONE, every request passes. With the rule CALLER, VOLUNTEER, TV, TOKEN or
    SIGNED, every request passes here, and the view or its decorator checks the request. For CALLER
    and VOLUNTEER, a cookie is checked. For TOKEN, the API client's token is checked, and for
    SIGNED, the telephone service's signature. For TV, the token in the page's address is checked.
    TV is for pages that anyone who knows the address may open, for example the page that shows a
    party's results on a television.
    """
    if rule is None:
        raise NotAllowedError(
            "This page is not open to anyone yet.", "Tell the person who runs this server."
        )
    if rule in (ANYONE, CALLER, VOLUNTEER, TV, TOKEN, SIGNED):
        return
    if not current_user.is_authenticated:
        raise SignInRequiredError(
            "This page is for organisers and hosts.", "Sign in, then come back."
        )
    if rule == RoleName.HOST and not (current_user.is_host or current_user.organises_something):
        raise NotAllowedError(
            "This page is for party hosts.", "Ask an organiser to make you a host."
        )
    if rule in (RoleName.ORGANISER, RoleName.VIEWER, ORGANISER_ANYWHERE, VIEWER_ANYWHERE):
        _check_role(rule, campaign_id)


def _check_role(rule: str, campaign_id: int | None) -> None:
    if not current_user.views_something or (
        rule == ORGANISER_ANYWHERE and not current_user.organises_something
    ):
        raise NotAllowedError(
            "This page is for organisers.", "If you need something from it, ask an organiser."
        )
    if rule in (ORGANISER_ANYWHERE, VIEWER_ANYWHERE):
        return
    if campaign_id is not None:
        scopes.campaign_for(current_user, campaign_id, role=RoleName(rule))
        return
    views_everything = current_user.is_organiser or current_user.has_role(RoleName.VIEWER)
    if not (views_everything if rule == RoleName.VIEWER else current_user.is_organiser):
        raise NotAllowedError(
            "This page is for people with the role “Organiser of all campaigns”.",
            "Ask one of them to do it for you.",
        )
