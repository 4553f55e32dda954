"""The organiser's page *Whom to call*. It shows the filters that choose which people callers get,
and which filter each party uses."""

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from werkzeug.datastructures import MultiDict

from phonebank.audit.record import record_audit
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError, NotFoundError
from phonebank.core.scopes import campaign_for
from phonebank.models import Campaign, Party, RoleName
from phonebank.organisers.responses import commit_and_enqueue, commit_and_redirect
from phonebank.parties.services import page_of_parties
from phonebank.persons.tags import tags_in
from phonebank.roster import people_filters
from phonebank.roster.filters import choose_people_for_party
from phonebank.roster.jobs import count_filter
from phonebank.roster.people_filters import Conditions

tonight = Blueprint("tonight", __name__, url_prefix="/campaigns/<int:campaign_id>/tonight")

COLUMN = "column:"


def init_app(app: Flask) -> None:
    """Add the page."""
    app.register_blueprint(tonight)


@tonight.route("", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def index(campaign_id: int) -> ResponseReturnValue:
    """Show the filters, and a page of the parties that have not ended. A POST adds a filter. A job
    then finds the people who fit the filter."""
    campaign = campaign_for(current_user, campaign_id)
    fault = ""
    if request.method == "POST":
        try:
            added = people_filters.add_filter(
                campaign, request.form.get("name", ""), _conditions(request.form)
            )
        except InvalidInputError as refused:
            db.session.rollback()
            fault = f"{refused.message} {refused.what_to_do}"
        else:
            _audit("people filter added", campaign, "people filter", added.id)
            commit_and_enqueue(count_filter, added.id)
            flash(f"Added. We are finding the people who fit “{added.name}”.", "success")
            return redirect(url_for(".index", campaign_id=campaign.id), 303)
    found = people_filters.filters_of(campaign)
    page = _page_number()
    parties, has_more = page_of_parties(campaign, page, not_ended=True)
    shown = render_template(
        "roster/tonight.html",
        campaign=campaign,
        filters=[(one, Conditions(**one.conditions).describe()) for one in found],
        columns=people_filters.columns_to_filter_by(campaign),
        tags=tags_in(campaign),
        parties=parties,
        page=page,
        has_more=has_more,
        fault=fault,
        sent=request.form,
    )
    return shown, 422 if fault else 200


@tonight.post("/<int:filter_id>/delete")
@open_to(RoleName.ORGANISER)
def delete(campaign_id: int, filter_id: int) -> ResponseReturnValue:
    """Delete a filter. A party that used the filter has no filter any more. If a caller had the
    filter, the caller then gets the same people as the others in the caller's party. A caller
    without a party then has no filter."""
    campaign = campaign_for(current_user, campaign_id)
    one = people_filters.filter_in(campaign, filter_id)
    _audit("people filter deleted", campaign, "people filter", one.id)
    db.session.delete(one)
    return commit_and_redirect(
        url_for(".index", campaign_id=campaign.id),
        f"“{one.name}” is deleted. Parties that used it get everyone again. Callers who used it "
        "get everyone, or the people chosen for their party.",
    )


@tonight.post("/<int:filter_id>/count")
@open_to(RoleName.ORGANISER)
def count(campaign_id: int, filter_id: int) -> ResponseReturnValue:
    """Enqueue a job that finds again which people fit a filter."""
    campaign = campaign_for(current_user, campaign_id)
    one = people_filters.filter_in(campaign, filter_id)
    commit_and_enqueue(count_filter, one.id)
    flash("We are finding the people again. Reload the page in a moment.", "success")
    return redirect(url_for(".index", campaign_id=campaign.id), 303)


@tonight.post("/parties/<int:party_id>")
@open_to(RoleName.ORGANISER)
def choose(campaign_id: int, party_id: int) -> ResponseReturnValue:
    """Choose the filter for a party's callers, or choose none. A caller who has a filter of their
    own keeps that filter."""
    campaign = campaign_for(current_user, campaign_id)
    party = db.session.get(Party, party_id)
    if party is None or party.campaign_id != campaign.id:
        raise NotFoundError("There is no such party in this campaign.", "Reload the page.")
    chosen = request.form.get("filter", type=int)
    choose_people_for_party(campaign, party, chosen)
    _audit("people chosen for party", campaign, "party", party.id, filter=chosen)
    return commit_and_redirect(
        url_for(".index", campaign_id=campaign.id, page=_page_number(), _anchor="parties"),
        f"Saved. The change applies when a caller at “{party.title}” gets their next person.",
    )


def _page_number() -> int:
    return max(1, request.args.get("page", 1, type=int))


def _conditions(sent: MultiDict[str, str]) -> Conditions:
    columns = {
        key.removeprefix(COLUMN): words for key, words in sent.items() if key.startswith(COLUMN)
    }
    return Conditions.parse(columns, sent.get("areas", ""), sent.get("tags", ""))


def _audit(
    action: str, campaign: Campaign, subject_kind: str, subject_id: int, **after: object
) -> None:
    record_audit(
        action,
        account=current_user,
        campaign=campaign,
        subject_kind=subject_kind,
        subject_id=subject_id,
        after=after or None,
    )
