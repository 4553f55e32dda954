"""The page on which an organiser makes API tokens for a campaign, and revokes them."""

import logging

from flask import Blueprint, Flask, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.api_tokens import tokens
from phonebank.audit.record import record_audit
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.rate_limits import account_key, limiter
from phonebank.core.scopes import campaign_for, may_organise
from phonebank.models import Campaign, RoleName
from phonebank.organisers.connections.forms import SCOPES, TokenForm

log = logging.getLogger(__name__)

pages = Blueprint("connections", __name__, url_prefix="/campaigns/<int:campaign_id>/connections")

NEW_TOKENS = "20 per hour"


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(pages)


@pages.get("")
@open_to(RoleName.ORGANISER)
def index(campaign_id: int) -> ResponseReturnValue:
    """Show the campaign's tokens, and the form for a new token."""
    campaign = campaign_for(current_user, campaign_id)
    form = TokenForm(formdata=None)
    form.offer(tokens.may_give(current_user))
    return _page(campaign, form)


@pages.post("/tokens")
@limiter.limit(NEW_TOKENS, key_func=account_key)
@open_to(RoleName.ORGANISER)
def make_token(campaign_id: int) -> ResponseReturnValue:
    """Make a token, and show its secret. No page shows the secret again."""
    campaign = campaign_for(current_user, campaign_id, to_change=True)
    form = TokenForm()
    form.offer(tokens.may_give(current_user))
    if not form.validate():
        return _page(campaign, form), 422
    token, secret = tokens.create_token(campaign, current_user, form.name.data, form.chosen())
    record_audit(
        "token made",
        account=current_user,
        campaign=campaign,
        subject_kind="api_token",
        subject_id=token.id,
        after={"scopes": token.scopes},
    )
    db.session.commit()
    log.info("account %s makes token %s of campaign %s", current_user.id, token.id, campaign_id)
    return render_template(
        "connections/token.html", campaign=campaign, token=token, secret=secret, scopes=SCOPES
    )


@pages.post("/tokens/<int:token_id>/revoke")
@open_to(RoleName.ORGANISER)
def revoke_token(campaign_id: int, token_id: int) -> ResponseReturnValue:
    """Revoke a token. The token stops working at once."""
    campaign = campaign_for(current_user, campaign_id)
    token = tokens.revoke_token(campaign, token_id)
    record_audit(
        "token revoked",
        account=current_user,
        campaign=campaign,
        subject_kind="api_token",
        subject_id=token_id,
    )
    db.session.commit()
    log.info("account %s revokes token %s", current_user.id, token_id)
    flash(f"The token “{token.name}” no longer works.", "success")
    return redirect(url_for(".index", campaign_id=campaign_id))


def _page(campaign: Campaign, form: TokenForm) -> str:
    found = tokens.tokens_of(campaign)
    # The tokens of an account that may no longer organise the campaign don't work.
    working = {
        token.id
        for token, account in found
        if not token.revoked_at and account and account.active and may_organise(account, campaign)
    }
    return render_template(
        "connections/index.html",
        campaign=campaign,
        form=form,
        tokens=found,
        working=working,
        scopes=SCOPES,
    )
