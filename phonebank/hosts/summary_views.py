"""The two pages with a party's summary. One page is for the signed-in host. The other page has no
buttons, and is for everyone who has its link."""

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.core.access import TV, open_to
from phonebank.core.config import current_config
from phonebank.core.db import db
from phonebank.core.edit_form import is_still
from phonebank.exports.cells import csv_chunks
from phonebank.hosts.blueprint import back_to, describe_start, pages
from phonebank.models import Campaign, Party, RoleName
from phonebank.parties import services
from phonebank.parties.summary import change_summary_link, party_by_summary_token, summary_of
from phonebank.tallies.totals import caller_totals
from phonebank.volunteers.ready import Ready, next_step
from phonebank.volunteers.volunteers import volunteer_with

public = Blueprint("evening", __name__, url_prefix="/evening")

COLUMNS = ("caller", "calls", "answered", "conversations", "yeses")


@pages.get("/<int:party_id>/summary")
@open_to(RoleName.HOST)
def summary(party_id: int) -> ResponseReturnValue:
    """Show the host's summary of the party. The page has the link that the host can share, and a
    link to the file of the callers' totals."""
    party = services.party_for(current_user, party_id)
    base_url = current_config().base_url
    return render_template(
        "parties/summary.html",
        public_link=base_url + url_for("evening.show", token=party.summary_token),
        step=_step_after(party),
        **_evening_data(party),
    )


def _step_after(party: Party) -> Ready | None:
    """Return the next step that the signed-in person is ready to take as a volunteer, such as
    becoming a trainer. Return None if the party has not ended, if no volunteer has the e-mail
    address of the person's account, or if the volunteer is not ready for a step."""
    if not party.has_ended:
        return None
    campaign = db.session.get_one(Campaign, party.campaign_id)
    return next_step(volunteer_with(current_user.email), campaign)


@pages.get("/<int:party_id>/callers.csv")
@open_to(RoleName.HOST)
def callers_file(party_id: int) -> ResponseReturnValue:
    """Return each caller's totals as a CSV file, without any data about contacts."""
    party = services.party_for(current_user, party_id)
    rows = [
        (share.first_name, share.calls, share.reached, share.conversations, share.yeses)
        for share in caller_totals(party.id)
    ]
    return Response(
        csv_chunks(COLUMNS, rows, mark=True),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="party-{party.id}-callers.csv"'},
    )


@pages.post("/<int:party_id>/summary-link")
@open_to(RoleName.HOST)
def new_summary_link(party_id: int) -> ResponseReturnValue:
    """Replace the link to the summary. If the link has already been replaced since the page was
    opened, do not replace it again."""
    party = services.party_for(current_user, party_id, to_change=True)
    if not is_still(party.summary_token):
        return back_to(
            party,
            "The link has just been replaced on another device. This is the new one.",
            ".summary",
        )
    change_summary_link(party)
    return back_to(party, "The summary has a new link. The old link no longer works.", ".summary")


@public.get("/<token>")
@open_to(TV)
def show(token: str) -> ResponseReturnValue:
    """Show the summary. Anyone who has the link can open this page without signing in. The page has
    no buttons."""
    party = party_by_summary_token(token)
    return render_template("parties/evening.html", **_evening_data(party))


@public.get("/<token>/picture.svg")
@open_to(TV)
def picture(token: str) -> ResponseReturnValue:
    """Return the totals as a picture. With `?save` the browser downloads the picture."""
    response = picture_of(party_by_summary_token(token))
    if "save" in request.args:
        response.headers["Content-Disposition"] = 'attachment; filename="phone-party.svg"'
    return response


def picture_of(party: Party) -> Response:
    """Return the party's totals as a picture of 1200 by 630 pixels."""
    address = current_config().base_url.split("://", 1)[-1]
    drawn = render_template("parties/picture.svg", address=address, **_evening_data(party))
    return Response(drawn, mimetype="image/svg+xml")


def _evening_data(party: Party) -> dict[str, object]:
    return {
        "party": party,
        "campaign": db.session.get_one(Campaign, party.campaign_id),
        "evening": summary_of(party),
        "when": describe_start(party),
        "picture": url_for("evening.picture", token=party.summary_token),
    }
