"""The pages for downloading files, such as the calls with people's names and numbers. Organisers
ask for a file, and download the file when it is ready."""

import logging
import re
import time
from collections.abc import Iterator
from itertools import chain
from typing import Any, TypeVar

from flask import Blueprint, Flask, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from phonebank.accounts import sessions
from phonebank.audit.record import record_audit
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.rate_limits import account_key, limiter
from phonebank.core.scopes import campaign_for
from phonebank.exports import files
from phonebank.exports.cells import UTF_8_MARK
from phonebank.exports.definitions import definitions_file
from phonebank.exports.do_not_call import do_not_call_file
from phonebank.exports.jobs import make_export
from phonebank.models import Campaign, ExportKind, ExportState, RoleName, now
from phonebank.organisers.exports.forms import KINDS, AskForm
from phonebank.organisers.responses import commit_and_enqueue, commit_and_redirect

log = logging.getLogger(__name__)

exports = Blueprint("exports", __name__)

Piece = TypeVar("Piece", str, bytes)

# No organiser needs more downloads or files than these limits allow.
DOWNLOADS = "10 per minute"
ASKS = "30 per minute"
# Seconds between two checks that the browser is still signed in.
CHECK_EVERY = 2.0


class SignedOutError(Exception):
    """The error that ends a download after the browser was signed out."""


def init_app(app: Flask) -> None:
    """Add the downloads."""
    app.register_blueprint(exports)


@exports.get("/campaigns/<int:campaign_id>/downloads")
@open_to(RoleName.ORGANISER)
def index(campaign_id: int) -> ResponseReturnValue:
    """Show the newest files that organisers have asked for, and the form for a new file. While a
    file is being made, htmx requests only the table of files."""
    campaign = campaign_for(current_user, campaign_id)
    if request.headers.get("HX-Request"):
        return render_template("exports/_files.html", **_files(campaign))
    return render_template("exports/index.html", form=AskForm(formdata=None), **_files(campaign))


@exports.post("/campaigns/<int:campaign_id>/downloads")
@limiter.limit(ASKS, key_func=account_key)
@open_to(RoleName.ORGANISER)
def ask(campaign_id: int) -> ResponseReturnValue:
    """Ask for a file. If a file with the same kind and the same chosen day is already being made,
    do not start a second one."""
    campaign = campaign_for(current_user, campaign_id)
    form = AskForm()
    if not form.validate():
        return render_template("exports/index.html", form=form, **_files(campaign)), 422
    kind = ExportKind(form.kind.data)
    export, is_new = files.ask_for(campaign, current_user, kind, form.since_moment)
    address = url_for(".index", campaign_id=campaign.id)
    if not is_new:
        return commit_and_redirect(
            address, "This file is in the table already. It isn't ready yet.", "info"
        )
    log.info(
        "account %s asks for export %s of campaign %s", current_user.id, export.id, campaign.id
    )
    record_audit(
        "file asked for",
        account=current_user,
        campaign=campaign,
        subject_kind="export",
        subject_id=export.id,
        after={"kind": kind},
    )
    commit_and_enqueue(make_export, export.id)
    return redirect(address)


@exports.get("/campaigns/<int:campaign_id>/downloads/<int:export_id>.csv")
@limiter.limit(DOWNLOADS)
@open_to(RoleName.ORGANISER)
def file(campaign_id: int, export_id: int) -> Response:
    """Download a file that is ready. With `?for=excel`, the file begins with the byte order mark of
    UTF-8, which Excel needs."""
    campaign = campaign_for(current_user, campaign_id)
    export = files.export_for(campaign, export_id)
    log.info("account %s downloads export %s", current_user.id, export.id)
    record_audit(
        "file downloaded",
        account=current_user,
        campaign=campaign,
        subject_kind="export",
        subject_id=export.id,
        after={"kind": export.kind},
    )
    db.session.commit()
    mark = UTF_8_MARK.encode() if for_excel() else b""
    pieces = files.pieces_of(db.engine, export.id, export.bytes_written)
    response = download(chain([mark], pieces), f"{campaign.name} {export.kind}")
    response.content_length = len(mark) + export.bytes_written
    return response


@exports.get("/campaigns/<int:campaign_id>/definitions.csv")
@limiter.limit(DOWNLOADS)
@open_to(RoleName.ORGANISER)
def definitions(campaign_id: int) -> Response:
    """Download a file that explains every column in the files of calls, people and the inbox. The
    file also explains every outcome and every answer key."""
    campaign = campaign_for(current_user, campaign_id)
    file = definitions_file(campaign, for_excel())
    return download(file, f"{campaign.name} definitions")


@exports.get("/do-not-call.csv")
@limiter.limit(DOWNLOADS)
@open_to(RoleName.ORGANISER)
def do_not_call() -> Response:
    """Download the numbers on the do-not-call list. Numbers of which only a hash is stored are not
    in the file."""
    log.info("account %s downloads the do-not-call list", current_user.id)
    record_audit("do-not-call list downloaded", account=current_user)
    db.session.commit()
    return download(do_not_call_file(for_excel()), "do-not-call")


def for_excel() -> bool:
    """Whether the URL of the request asks for the byte order mark that Excel needs
    (`?for=excel`)."""
    return request.args.get("for") == "excel"


def _files(campaign: Campaign) -> dict[str, Any]:
    exports_now = files.exports_of(campaign)
    return {
        "campaign": campaign,
        "files": exports_now,
        "kinds": KINDS,
        "kept_for": files.KEPT_FOR,
        "kept_at_most": files.KEPT_AT_MOST,
        "under_way": any(export.state in files.UNDER_WAY for export in exports_now),
        "erased": {
            export.id
            for export in exports_now
            if export.state == ExportState.ERASED or files.is_over(export)
        },
    }


def download(chunks: Iterator[Piece], name: str) -> Response:
    """Return a response with which the browser downloads the pieces of a CSV file. `name` becomes a
    part of the file's name. If the browser is signed out during the download, the download ends at
    the first piece that comes CHECK_EVERY seconds or more after the last check."""
    # Only plain letters and digits are kept, because a campaign's name must not add lines to the
    # header.
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:80].lower()
    filename = f"{plain}-{now():%Y-%m-%d}.csv"
    return Response(
        _while_signed_in(chunks, db.engine, sessions.current_id()),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )


def _while_signed_in(
    chunks: Iterator[Piece], engine: Engine, session_id: int | None
) -> Iterator[Piece]:
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
