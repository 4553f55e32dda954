"""The organiser's pages about a campaign's callers. They show the callers' totals and which
contacts each caller may get."""

from datetime import datetime, timedelta

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from wtforms.fields.choices import SelectChoice

from phonebank.calls.speed_check import fast_callers
from phonebank.contact_queue.campaign_hours import first_zone_of
from phonebank.core.access import open_to
from phonebank.core.config import current_config
from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.locks import lock_row
from phonebank.core.scopes import campaign_for
from phonebank.lists.services import lists_in_calling_order, names_of
from phonebank.models import Caller, CallerState, Campaign, ContactList, RoleName, now
from phonebank.organisers.roster.forms import FiltersForm
from phonebank.roster import campaign_callers, filters, people_filters
from phonebank.roster.admit import admit as admit_callers
from phonebank.roster.campaign_callers import ONLINE_WITHIN
from phonebank.roster.pace import flags_of, open_flags, pause_end
from phonebank.roster.remove import remove_anywhere
from phonebank.roster.stop import stopped_callers
from phonebank.rules.languages import language_name
from phonebank.rules.local_moments import last_midnight
from phonebank.tallies.totals import totals_of_caller

callers = Blueprint(
    "roster",
    __name__,
    url_prefix="/campaigns/<int:campaign_id>/callers",
)


def init_app(app: Flask) -> None:
    """Add the pages, and the template filter that names a language. Hosts' pages use the filter
    too."""
    app.register_blueprint(callers)
    app.add_template_filter(language_name)


@callers.get("")
@open_to(RoleName.ORGANISER)
def index(campaign_id: int) -> ResponseReturnValue:
    """Show the waiting callers, the callers with a flag that nobody has reviewed, and one page of
    the admitted callers. Without a search, the first page also shows the callers who were stopped,
    and those who recorded several outcomes too fast."""
    campaign = campaign_for(current_user, campaign_id)
    name = request.args.get("name", "").strip()
    page = max(1, request.args.get("page", 1, type=int))
    in_all = campaign_callers.count_admitted(campaign, name)
    at = now()
    sort = request.args.get("sort", "")
    sort = sort if sort in campaign_callers.SORTS else "seen"
    midnight = last_midnight(at, first_zone_of(campaign))
    rows = campaign_callers.admitted_callers(campaign, midnight, name, page, sort)
    waiting = campaign_callers.waiting_callers(campaign)
    lists = {contact_list.id: contact_list for contact_list in lists_in_calling_order(campaign)}
    return render_template(
        "roster/callers.html",
        sort=sort,
        sorts=campaign_callers.SORTS,
        campaign=campaign,
        join_link=f"{current_config().base_url}/c/{campaign.join_token}",
        rows=rows,
        in_all=in_all,
        name=name,
        page=page,
        has_more=page * campaign_callers.A_PAGE < in_all,
        waiting=waiting,
        some_by_link=campaign_callers.has_waiting_by_link(campaign),
        flags=[(flag, pause_end(flag.caller, at)) for flag in open_flags(campaign.id)],
        stopped=stopped_callers(campaign) if page == 1 and not name else [],
        hurried=fast_callers(campaign.id) if page == 1 and not name else [],
        limits={row.caller.id: _limits(campaign, row.caller, lists) for row in rows},
        last_here={row.caller.id: describe_last_seen(row.caller.seen_at, at) for row in rows},
    )


@callers.route("/<int:caller_id>", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def show(campaign_id: int, caller_id: int) -> ResponseReturnValue:
    """Show one caller: the caller's totals, the form for the caller's filters, and the button that
    removes the caller. A POST saves the filters, unless somebody else has changed them since the
    page was opened."""
    campaign = campaign_for(current_user, campaign_id)
    caller = campaign_callers.caller_of(campaign, caller_id)
    if request.method == "POST":
        lock_row(caller)
    form = _filters_form(campaign, caller)
    status = 200
    if form.is_submitted():
        if form.validate() and not form.is_overtaken():
            if form.languages.choices:
                filters.set_languages(campaign, caller, form.languages.data or [])
            filters.restrict_to_lists(campaign, caller, form.lists.data or [])
            filters.choose_people(campaign, caller, form.people.data or None)
            db.session.commit()
            flash(
                f"Saved. The change applies when {caller.first_name} gets their next person.",
                "success",
            )
            return redirect(url_for(".show", campaign_id=campaign.id, caller_id=caller.id), 303)
        status = 422
    page = render_template(
        "roster/caller.html",
        campaign=campaign,
        caller=caller,
        is_in=caller.state == CallerState.ADMITTED,
        totals=totals_of_caller(caller.id),
        pause=pause_end(caller, now()),
        flags=[flag for flag in flags_of(caller) if flag.looked_at is None],
        last_here=describe_last_seen(caller.seen_at, now()),
        form=form,
    )
    return page, status


@callers.post("/<int:caller_id>/admit")
@open_to(RoleName.ORGANISER)
def admit(campaign_id: int, caller_id: int) -> ResponseReturnValue:
    """Admit one waiting caller. If the caller is no longer waiting, only say so."""
    campaign = campaign_for(current_user, campaign_id)
    caller = campaign_callers.caller_of(campaign, caller_id)
    name = caller.first_name
    if admit_callers([caller], for_organiser=True):
        flash(f"You let {name} in.", "success")
    else:
        flash(f"{name} is no longer waiting. The list shows where they are now.", "info")
    db.session.commit()
    return _redirect_to_index(campaign)


@callers.post("/<int:caller_id>/remove")
@open_to(RoleName.ORGANISER)
@retry_on_deadlock
def remove(campaign_id: int, caller_id: int) -> ResponseReturnValue:
    """Remove an admitted or a waiting caller. Newcomers to the caller's party or campaign must then
    wait to be admitted."""
    campaign = campaign_for(current_user, campaign_id)
    caller = campaign_callers.caller_of(campaign, caller_id)
    remove_anywhere(caller)
    db.session.commit()
    flash(
        f"{caller.first_name} is removed, on every device. Everyone who joins by the same link or "
        "code now waits to be let in.",
        "success",
    )
    return _redirect_to_index(campaign)


def describe_last_seen(seen_at: datetime | None, at: datetime) -> str:
    """Return how long before `at` a caller's screen last sent a request: "now" or, for example, "3
    hours ago". Return "not yet" if `seen_at` is None."""
    if seen_at is None:
        return "not yet"
    ago = at - seen_at
    if ago < ONLINE_WITHIN:
        return "now"
    for size, unit in ((timedelta(days=1), "day"), (timedelta(hours=1), "hour")):
        if ago >= size:
            number = ago // size
            return f"{number} {unit}{'' if number == 1 else 's'} ago"
    return f"{ago // timedelta(minutes=1)} minutes ago"


def _filters_form(campaign: Campaign, caller: Caller) -> FiltersForm:
    form = FiltersForm(
        data={
            "languages": filters.languages_spoken(campaign, caller),
            "lists": list(caller.list_ids),
            "people": caller.filter_id or 0,
        }
    )
    form.languages.choices = [
        SelectChoice(code, name)
        for code, name in filters.offered_languages(campaign, caller).items()
    ]
    form.people.choices = [
        SelectChoice(0, "Everyone" if caller.party_id is None else "Those of their party"),
        *(SelectChoice(one.id, one.name) for one in people_filters.filters_of(campaign)),
    ]
    lists = lists_in_calling_order(campaign)
    names = names_of(lists)
    form.lists.choices = [
        SelectChoice(listed.id, names[listed.id] + (" (paused)" if listed.removed else ""))
        for listed in lists
    ]
    return form


def _limits(campaign: Campaign, caller: Caller, lists: dict[int, ContactList]) -> str:
    """Describe by language and list which contacts the caller may get. The text names the languages
    if the caller speaks several, and the lists if the caller is limited to some lists. Otherwise
    the text is "". It says nothing about the people filter."""
    spoken = filters.languages_spoken(campaign, caller)
    languages = [language_name(code) or code for code in spoken] if len(spoken) > 1 else []
    names = [lists[list_id].name for list_id in caller.list_ids if list_id in lists]
    return "; ".join(", ".join(words) for words in (languages, names) if words)


def _redirect_to_index(campaign: Campaign) -> ResponseReturnValue:
    return redirect(url_for(".index", campaign_id=campaign.id), 303)
