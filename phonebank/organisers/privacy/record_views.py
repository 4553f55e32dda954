"""The pages and files about two records. One is the access ledger: who saw which person's data. The
other is the audit: what organisers did."""

from datetime import date, timedelta

from flask import Blueprint, Flask, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.audit.entries import audit_file, entries_of, names_of_subjects
from phonebank.audit.record import record_audit
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.rate_limits import limiter
from phonebank.core.scopes import campaign_for
from phonebank.models import Campaign, RoleName, now
from phonebank.organisers.exports.views import DOWNLOADS, download, for_excel
from phonebank.privacy.ledger import ledger_file, sights_on

records = Blueprint("records", __name__)

SIGHTS_A_PAGE = 200
ENTRIES_A_PAGE = 100


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(records)


@records.get("/campaigns/<int:campaign_id>/access-ledger")
@open_to(RoleName.ORGANISER)
def ledger(campaign_id: int) -> ResponseReturnValue:
    """Show who saw which person's data on one day. `?day=2027-05-06` chooses the day. If `?day=` is
    missing or is not a valid date, the day is today. A day begins and ends at midnight in UTC."""
    campaign = campaign_for(current_user, campaign_id)
    day = _day() or now().date()
    page = max(request.args.get("page", 1, int), 1)
    rows = sights_on(campaign, day, SIGHTS_A_PAGE + 1, (page - 1) * SIGHTS_A_PAGE)
    return render_template(
        "privacy/ledger.html",
        campaign=campaign,
        day=day,
        earlier=day - timedelta(days=1),
        later=day + timedelta(days=1) if day < now().date() else None,
        rows=rows[:SIGHTS_A_PAGE],
        page=page,
        is_more=len(rows) > SIGHTS_A_PAGE,
    )


@records.get("/campaigns/<int:campaign_id>/access-ledger.csv")
@limiter.limit(DOWNLOADS)
@open_to(RoleName.ORGANISER)
def ledger_csv(campaign_id: int) -> Response:
    """Download the access ledger (who saw which person's data). `?day=2027-05-06` chooses the day.
    Without a valid `?day=`, download all days."""
    campaign = campaign_for(current_user, campaign_id)
    _record_download("access ledger downloaded", campaign)
    return download(ledger_file(campaign, _day(), for_excel()), f"{campaign.name} access ledger")


@records.get("/campaigns/<int:campaign_id>/audit")
@open_to(RoleName.ORGANISER)
def audit(campaign_id: int) -> ResponseReturnValue:
    """Show what organisers did in a campaign, newest first."""
    return _audit_page(campaign_for(current_user, campaign_id))


@records.get("/campaigns/<int:campaign_id>/audit.csv")
@limiter.limit(DOWNLOADS)
@open_to(RoleName.ORGANISER)
def audit_csv(campaign_id: int) -> Response:
    """Download what organisers did in a campaign."""
    campaign = campaign_for(current_user, campaign_id)
    _record_download("audit downloaded", campaign)
    return download(audit_file(campaign, for_excel()), f"{campaign.name} audit")


@records.get("/audit")
@open_to(RoleName.ORGANISER)
def whole_audit() -> ResponseReturnValue:
    """Show what organisers did in the whole installation, newest first."""
    return _audit_page(None)


@records.get("/audit.csv")
@limiter.limit(DOWNLOADS)
@open_to(RoleName.ORGANISER)
def whole_audit_csv() -> Response:
    """Download what organisers did in the whole installation."""
    _record_download("audit downloaded", None)
    return download(audit_file(None, for_excel()), "audit")


def _audit_page(campaign: Campaign | None) -> str:
    rows = entries_of(campaign, ENTRIES_A_PAGE + 1, request.args.get("before", type=int))
    return render_template(
        "privacy/audit.html",
        campaign=campaign,
        rows=rows[:ENTRIES_A_PAGE],
        names=names_of_subjects(rows[:ENTRIES_A_PAGE]),
        is_more=len(rows) > ENTRIES_A_PAGE,
    )


def _day() -> date | None:
    """Return the day that `?day=` chooses, or None if `?day=` is missing or is not a valid date.
    Years before 1971 and after 8999 are not valid."""
    try:
        day = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return None
    # Python's first and last dates have no day before or after them.
    return day if 1970 < day.year < 9000 else None


def _record_download(action: str, campaign: Campaign | None) -> None:
    record_audit(action, account=current_user, campaign=campaign)
    db.session.commit()
