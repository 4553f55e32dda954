"""Downloads of files with names and numbers, for organisers only."""

import logging
import re
import time
from collections.abc import Iterator

from flask import Blueprint, Flask, Response, request
from flask_security import current_user
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from phonebank.accounts import sessions
from phonebank.campaigns.services import campaign_for
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.rate_limits import limiter
from phonebank.exports.calls import calls_file
from phonebank.exports.definitions import definitions_file
from phonebank.exports.do_not_call import do_not_call_file
from phonebank.models import RoleName, now

log = logging.getLogger(__name__)

exports = Blueprint("exports", __name__)

# A download holds a database connection until it ends, and no organiser needs ten at once.
DOWNLOADS = "10 per minute"
# Seconds between two checks that the browser is still signed in.
CHECK_EVERY = 2.0


class SignedOutError(Exception):
    """The error that cuts a download's connection, because its browser was signed out."""


def init_app(app: Flask) -> None:
    """Add the downloads."""
    app.register_blueprint(exports)


@exports.get("/campaigns/<int:campaign_id>/calls.csv")
@limiter.limit(DOWNLOADS)
@open_to(RoleName.ORGANISER)
def calls(campaign_id: int) -> Response:
    """Download every call of a campaign with its answers. `?for=excel` adds the UTF-8 mark."""
    campaign = campaign_for(current_user, campaign_id)
    log.info("account %s downloads the calls of campaign %s", current_user.id, campaign.id)
    return _download(calls_file(campaign, _for_excel()), f"{campaign.name} calls")


@exports.get("/campaigns/<int:campaign_id>/definitions.csv")
@limiter.limit(DOWNLOADS)
@open_to(RoleName.ORGANISER)
def definitions(campaign_id: int) -> Response:
    """Download the meaning of every column and value of the calls file."""
    campaign = campaign_for(current_user, campaign_id)
    file = definitions_file(campaign, _for_excel())
    return _download(file, f"{campaign.name} definitions")


@exports.get("/do-not-call.csv")
@limiter.limit(DOWNLOADS)
@open_to(RoleName.ORGANISER)
def do_not_call() -> Response:
    """Download every number on the do-not-call list."""
    log.info("account %s downloads the do-not-call list", current_user.id)
    return _download(do_not_call_file(_for_excel()), "do-not-call")


def _for_excel() -> bool:
    return request.args.get("for") == "excel"


def _download(chunks: Iterator[str], name: str) -> Response:
    # A campaign's name must not inject into a header: only plain letters and digits pass.
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:80].lower()
    filename = f"{plain}-{now():%Y-%m-%d}.csv"
    return Response(
        _while_signed_in(chunks, db.engine, sessions.current_id()),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )


def _while_signed_in(
    chunks: Iterator[str], engine: Engine, session_id: int | None
) -> Iterator[str]:
    checked_at = time.monotonic()
    for chunk in chunks:
        if time.monotonic() >= checked_at + CHECK_EVERY:
            if not _is_signed_in(engine, session_id):
                raise SignedOutError
            checked_at = time.monotonic()
        yield chunk


def _is_signed_in(engine: Engine, session_id: int | None) -> bool:
    try:
        return sessions.is_open(engine, session_id)
    except SQLAlchemyError as error:
        log.warning("the session of a download could not be checked: %s", type(error).__name__)
        return True
