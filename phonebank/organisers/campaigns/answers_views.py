"""The organiser's page that shows what people answered. Filters choose the calls that are
counted."""

from collections.abc import Mapping
from datetime import date

from flask import Blueprint, Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.campaigns.countable_steps import versions_of
from phonebank.campaigns.progress import AnswerFilter, answers_by_question
from phonebank.core.access import open_to
from phonebank.core.scopes import campaign_for, may_organise
from phonebank.lists.services import lists_in_calling_order, names_of
from phonebank.models import RoleName
from phonebank.parties.services import party_titles

answers = Blueprint("answers", __name__, url_prefix="/campaigns/<int:campaign_id>/answers")


def init_app(app: Flask) -> None:
    """Add the page."""
    app.register_blueprint(answers)


@answers.get("")
@open_to(RoleName.VIEWER)
def show(campaign_id: int) -> ResponseReturnValue:
    """Show how often people gave each answer to the questions of one script version.

    `version` chooses the script version. Without `version`, the page shows the campaign's published
    version, if there is one. With `list`, the page counts only the calls to people on this list.
    With `party` or `day`, the page counts only the calls from this party or on this day. A
    parameter is ignored if its value is not a choice that the page offers, or is not a valid date.
    """
    campaign = campaign_for(current_user, campaign_id, role=RoleName.VIEWER)
    lists = names_of(lists_in_calling_order(campaign))
    parties = party_titles(campaign)
    versions = {
        version_id: f"{name}, version {number}"
        for version_id, name, number in versions_of(campaign)
    }
    chosen = AnswerFilter(
        list_id=_chosen("list", lists),
        party_id=_chosen("party", parties),
        day=_day(request.args.get("day", "")),
        version_id=_chosen("version", versions),
    )
    return render_template(
        "campaigns/answers.html",
        campaign=campaign,
        may_organise=may_organise(current_user, campaign),
        figures=answers_by_question(campaign, chosen),
        chosen=chosen,
        lists=lists,
        parties=parties,
        versions=versions,
    )


def _chosen(name: str, offered: Mapping[int, str]) -> int | None:
    number = request.args.get(name, type=int)
    return number if number in offered else None


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed)
    except ValueError:
        return None
