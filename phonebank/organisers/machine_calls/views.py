"""The page that shows whether the calls that a machine dialled on one day followed each rule.
Organisers can also download the records of these calls as a file."""

import io
from collections.abc import Iterator
from datetime import date

from flask import Blueprint, Flask, Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.contact_queue.campaign_hours import first_zone_of, rules_of
from phonebank.core.access import open_to
from phonebank.core.rate_limits import limiter
from phonebank.core.scopes import campaign_for
from phonebank.machine_calls.day import days_of, proof_of, records_of
from phonebank.models import RoleName, now
from phonebank.organisers.exports.views import DOWNLOADS, download
from phonebank.pacing.proof import account_of
from phonebank.pacing.records import LineRecord, Record, write_records
from phonebank.rules.time_zones import city_of

machine_calls = Blueprint(
    "machine_calls", __name__, url_prefix="/campaigns/<int:campaign_id>/machine-calls"
)

ROWS_A_PIECE = 1000


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(machine_calls)


@machine_calls.get("")
@open_to(RoleName.ORGANISER)
def day(campaign_id: int) -> ResponseReturnValue:
    """Show whether the calls that a machine dialled on one day followed each rule, according to the
    calls' records.

    `?day=` is the date of the day, such as 2027-05-06. For a text that is not a date, the response
    has the status 404. Without `?day=`, show the newest day with such calls in the last 60 days.
    """
    campaign = campaign_for(current_user, campaign_id)
    zone = first_zone_of(campaign)
    days = days_of(campaign, now().astimezone(zone).date())
    shown = _date(request.args["day"]) if request.args.get("day") else (days[0] if days else None)
    records = records_of(campaign, shown) if shown else []
    return render_template(
        "machine_calls/day.html",
        campaign=campaign,
        days=days,
        shown=shown,
        findings=proof_of(campaign, records),
        lines=sum(isinstance(record, LineRecord) for record in records),
        account=account_of(record for record in records if isinstance(record, LineRecord)),
        city=city_of(zone),
        country=rules_of(campaign).name,
    )


@machine_calls.get("/<day>.csv")
@limiter.limit(DOWNLOADS)
@open_to(RoleName.ORGANISER)
def file(campaign_id: int, day: str) -> Response:
    """Download the records of one day's calls. The records contain no names and no phone
    numbers."""
    campaign = campaign_for(current_user, campaign_id)
    records = records_of(campaign, _date(day))
    return download(_pieces(records), f"{campaign.name} machine calls {day}")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        abort(404)


def _pieces(records: list[Record]) -> Iterator[str]:
    for number, some in enumerate(_pieces_of(records)):
        file = io.StringIO()
        write_records(file, some, header=not number)
        yield file.getvalue()


def _pieces_of(records: list[Record]) -> Iterator[list[Record]]:
    yield records[:ROWS_A_PIECE]
    for start in range(ROWS_A_PIECE, len(records), ROWS_A_PIECE):
        yield records[start : start + ROWS_A_PIECE]
