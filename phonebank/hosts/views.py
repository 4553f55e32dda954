"""The host's pages: creating a party, and running it from a phone.

Each button that changes something sends a plain form, and the response leads back to the page. With
JavaScript, htmx replaces only the part of the page that changed, and events on a websocket tell the
page when to update.
"""

from typing import Any
from urllib.parse import urlsplit

from flask import (
    Response,
    get_flashed_messages,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_security import current_user
from wtforms.fields.choices import SelectChoice

from phonebank.core.access import open_to
from phonebank.core.config import current_config
from phonebank.core.content_negotiation import wants_json
from phonebank.core.db import db
from phonebank.core.edit_form import is_still
from phonebank.core.errors import InvalidInputError
from phonebank.core.qr_codes import qr_svg
from phonebank.hosts.blueprint import back_to, describe_start, pages
from phonebank.hosts.board_answer import answer_board
from phonebank.hosts.forms import NewPartyForm, SettingsForm
from phonebank.listings.listings import follow_title
from phonebank.live.board_payload import payload
from phonebank.live.board_query import read_figures
from phonebank.models import Account, Campaign, Party, RoleName, now
from phonebank.parties import participants, services
from phonebank.parties.calendar import calendar_file
from phonebank.parties.codes import invitation, join_link
from phonebank.parties.cohosts import COHOSTS_AT_MOST, may_add_cohosts
from phonebank.parties.display_names import NAME_AT_MOST
from phonebank.parties.help_requests import ABOUT, callers_asking
from phonebank.parties.standings import standings
from phonebank.rules.countries import zone_of_country

BREAKS = (5, 10, 15)  # minutes
# The button for a break without a fixed end sends this word instead of a number of minutes.
OPEN_BREAK = "open"
ACTIONS = {
    "lock": services.lock,
    "unlock": services.unlock,
    "end-break": services.end_break,
}


@pages.get("")
@open_to(RoleName.HOST)
def mine() -> ResponseReturnValue:
    parties = services.parties_of(current_user)
    return render_template(
        "parties/my_parties.html",
        parties=parties,
        figures=read_figures([party.id for party in parties]),
        campaigns={campaign.id: campaign.name for campaign in _campaigns(parties)},
        when=describe_start,
    )


@pages.route("/new", methods=["GET", "POST"])
@open_to(RoleName.HOST)
def new() -> ResponseReturnValue:
    campaigns = services.campaigns_to_host(current_user)
    form = NewPartyForm(title=_default_title(current_user.name))
    form.campaign.choices = [SelectChoice(campaign.id, campaign.name) for campaign in campaigns]
    if campaigns and form.validate_on_submit():
        countries = {campaign.id: campaign.country for campaign in campaigns}
        zone = form.zone(zone_of_country(countries[form.campaign.data]))
        party = services.create_party(
            current_user,
            form.campaign.data,
            form.title.data or "",
            form.goal.data or 0,
            form.starts(zone),
            zone,
            form.door_open.data,
        )
        db.session.commit()
        # A host who came from the link “Host a party here” next sees the form that puts the party
        # on the map.
        near = request.args.get("near")
        page = ".guest_list" if near else ".run"
        return redirect(url_for(page, party_id=party.id, near=near))
    status = 422 if form.is_submitted() else 200
    return render_template("parties/new.html", form=form, campaigns=campaigns), status


@pages.get("/<int:party_id>")
@open_to(RoleName.HOST)
def run(party_id: int) -> ResponseReturnValue:
    """Show the page that a host uses to run the party. For a request that wants JSON, return the
    party's board as the television gets it: {"board": …}."""
    party = services.party_for(current_user, party_id)
    if wants_json():
        return answer_board(party.id)
    # If htmx will replace only the part with the people, only that part is rendered.
    if request.headers.get("HX-Target") == "people":
        messages = get_flashed_messages(with_categories=True)
        return render_template("parties/_people.html", said=messages, **_people_data(party))
    return _render_party(party, SettingsForm(formdata=None, obj=party))


@pages.get("/<int:party_id>/shares")
@open_to(RoleName.HOST)
def shares(party_id: int) -> ResponseReturnValue:
    """Return what each caller has done so far (`share`) and is doing now (`kind` and `words`), by
    caller id. These values change often, so an open page requests them without the rest of the
    page.
    """
    party = services.party_for(current_user, party_id)
    return {
        str(guest.caller.id): {
            "share": guest.share,
            "kind": guest.doing.kind,
            "words": guest.doing.words,
        }
        for guest in participants.guests(party)
    }


def _people_data(party: Party) -> dict[str, Any]:
    """Return the data for the part of the page that lists the party's callers."""
    return {
        "party": party,
        "board": payload(read_figures([party.id])[party.id]),
        "waiting": participants.waiting_callers(party),
        "asking": [(caller, ABOUT[caller.help_about][1]) for caller in callers_asking(party)],
        "guests": participants.guests(party),
        "name_at_most": NAME_AT_MOST,
    }


def _render_party(party: Party, form: SettingsForm) -> str:
    """Return the host's page, with the stored settings or with the settings that were just
    typed."""
    campaign = db.session.get_one(Campaign, party.campaign_id)
    base_url = current_config().base_url
    link = join_link(base_url, party.code)
    return render_template(
        "parties/party.html",
        **_people_data(party),
        campaign=campaign,
        form=form,
        link=link,
        qr=qr_svg(link),
        invitation=_invitation(party, link, base_url),
        board_link=base_url + url_for("board.show", token=party.board_token),
        breaks=[(str(minutes), f"{minutes} minutes") for minutes in BREAKS]
        + [(OPEN_BREAK, "Until I say so")],
        standings=standings(party.campaign_id),
        when=describe_start(party),
        host=db.session.get_one(Account, party.host_id),
        may_add_cohosts=may_add_cohosts(current_user, party),
        cohosts_at_most=COHOSTS_AT_MOST,
    )


@pages.get("/<int:party_id>/invitation.ics")
@open_to(RoleName.HOST)
def calendar(party_id: int) -> ResponseReturnValue:
    """Return a calendar file with the party."""
    party = services.party_for(current_user, party_id)
    base_url = current_config().base_url
    link = join_link(base_url, party.code)
    host = urlsplit(base_url).hostname or "localhost"
    return Response(
        calendar_file(party, link, _invitation(party, link, base_url), host, now()),
        mimetype="text/calendar",
        headers={"Content-Disposition": f'attachment; filename="party-{party.id}.ics"'},
    )


@pages.post('/<int:party_id>/<any("lock", "unlock", "end-break"):action>')
@open_to(RoleName.HOST)
def do(party_id: int, action: str) -> ResponseReturnValue:
    party = services.party_for(current_user, party_id, to_change=True)
    ACTIONS[action](party)
    return back_to(party)


@pages.post("/<int:party_id>/code")
@open_to(RoleName.HOST)
def change_code(party_id: int) -> ResponseReturnValue:
    party = services.party_for(current_user, party_id, to_change=True)
    if not is_still(party.code):
        return back_to(
            party, "The code has just been changed on another device. This is the new one."
        )
    services.change_code(party)
    return back_to(party, "The party has a new code. The old code no longer works.")


@pages.post("/<int:party_id>/board-link")
@open_to(RoleName.HOST)
def change_board_link(party_id: int) -> ResponseReturnValue:
    party = services.party_for(current_user, party_id, to_change=True)
    if not is_still(party.board_token):
        return back_to(
            party, "The board's link has just been replaced on another device. This is the new one."
        )
    services.change_board_link(party)
    return back_to(
        party, "The board has a new link. Screens that used the old link no longer show the board."
    )


@pages.post("/<int:party_id>/settings")
@open_to(RoleName.HOST)
def settings(party_id: int) -> ResponseReturnValue:
    party = services.party_for(current_user, party_id, to_change=True)
    form = SettingsForm(obj=party)
    if not form.validate() or form.is_overtaken():
        return _render_party(party, form), 422
    services.set_goal(party, form.goal.data or 0)
    services.rename_party(party, form.title.data or "")
    try:
        follow_title(party)
    except InvalidInputError as error:
        db.session.rollback()
        form.title.errors = [f"{error.message} {error.what_to_do}"]
        return _render_party(party, form), 422
    services.set_celebration(party, form.celebrate.data)
    return back_to(party, "Saved.")


@pages.post("/<int:party_id>/break")
@open_to(RoleName.HOST)
def start_break(party_id: int) -> ResponseReturnValue:
    party = services.party_for(current_user, party_id, to_change=True)
    minutes = request.form.get("minutes", "")
    if minutes == OPEN_BREAK:
        services.start_break(party)
    else:
        services.start_break(party, int(minutes) if minutes in map(str, BREAKS) else 0)
    return back_to(party)


@pages.post("/<int:party_id>/message")
@open_to(RoleName.HOST)
def message(party_id: int) -> ResponseReturnValue:
    party = services.party_for(current_user, party_id, to_change=True)
    participants.send_message(party, request.form.get("text", ""))
    return back_to(party, "Sent to the board and to callers' open pages.")


@pages.post("/<int:party_id>/end")
@open_to(RoleName.HOST)
def end(party_id: int) -> ResponseReturnValue:
    party = services.party_for(current_user, party_id, to_change=True)
    services.end_party(party)
    return back_to(party, "The party has ended. Thank you for hosting.", ".summary")


def _invitation(party: Party, link: str, base_url: str) -> str:
    campaign = db.session.get_one(Campaign, party.campaign_id)
    when = describe_start(party)
    return invitation(party.title, when, link, party.code, base_url, campaign.on_behalf_of)


def _campaigns(parties: list[Party]) -> list[Campaign]:
    return [db.session.get_one(Campaign, party.campaign_id) for party in parties]


def _default_title(name: str) -> str:
    first = name.split(" ")[0][:20]
    return f"{first}’s phone party" if first else "Phone party"
