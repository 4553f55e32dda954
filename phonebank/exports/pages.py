"""The addresses that files are downloaded from. Organisers only: they hold names and numbers."""

import logging
import re
from collections.abc import Iterator

from flask import Blueprint, Flask, Response, request
from flask_security import current_user

from phonebank.access import open_to
from phonebank.campaigns.verbs import campaign_for
from phonebank.exports.calls import calls_file
from phonebank.exports.definitions import definitions_file
from phonebank.exports.do_not_call import do_not_call_file
from phonebank.models import ORGANISER, now
from phonebank.outcome_words import outcomes
from phonebank.web_security import limiter

log = logging.getLogger(__name__)

exports = Blueprint("exports", __name__)

# A download holds a database connection for as long as it takes, and nobody needs ten at once.
DOWNLOADS = "10 per minute"


def init_app(app: Flask) -> None:
    """Add the downloads."""
    app.register_blueprint(exports)


@exports.get("/campaigns/<int:campaign_id>/calls.csv")
@limiter.limit(DOWNLOADS)
@open_to(ORGANISER)
def calls(campaign_id: int) -> Response:
    """Every recorded call of a campaign, with its answers. `?for=excel` puts the UTF-8 mark on."""
    campaign = campaign_for(current_user, campaign_id)
    log.info("account %s downloads the calls of campaign %s", current_user.id, campaign.id)
    return _download(calls_file(campaign, _for_excel()), f"{campaign.name} calls")


@exports.get("/campaigns/<int:campaign_id>/definitions.csv")
@limiter.limit(DOWNLOADS)
@open_to(ORGANISER)
def definitions(campaign_id: int) -> Response:
    """What every column and value of the calls file means."""
    campaign = campaign_for(current_user, campaign_id)
    file = definitions_file(campaign, outcomes(), _for_excel())
    return _download(file, f"{campaign.name} definitions")


@exports.get("/do-not-call.csv")
@limiter.limit(DOWNLOADS)
@open_to(ORGANISER)
def do_not_call() -> Response:
    """Every number on the do-not-call list."""
    log.info("account %s downloads the do-not-call list", current_user.id)
    return _download(do_not_call_file(_for_excel()), "do-not-call")


def _for_excel() -> bool:
    return request.args.get("for") == "excel"


def _download(chunks: Iterator[str], name: str) -> Response:
    # What a stranger called a campaign must not reach a header: only plain letters do.
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:80].lower()
    filename = f"{plain}-{now():%Y-%m-%d}.csv"
    return Response(
        chunks,
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )
