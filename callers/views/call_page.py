"""The views that lead a caller from the briefing to a contact on the screen, and a page with the
caller's own calls.

The call page has the same address for every contact, and the address says nothing about the
contact. While the caller keeps a contact, a reload, the back button and a tab that the phone
discarded all lead back to this contact.
"""

from flask import Response, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from callers.sessions import for_busy_callers, for_callers
from callers.views import page_data, waiting
from callers.views.blueprint import pages
from callers.views.next_contact import show, show_next
from callers.views.script_words import words_of
from phonebank.calls.hold import current_hold
from phonebank.calls.merge_fields import shared_fields
from phonebank.calls.undo import redial_block_reason
from phonebank.core.content_negotiation import wants_json
from phonebank.core.db import db
from phonebank.core.errors import GoneError, NotFoundError
from phonebank.core.overload import Urgency, with_urgency
from phonebank.core.qr_codes import qr_svg
from phonebank.experiments.script_choice import active_version_ids
from phonebank.models import CallerState, CampaignState, now
from phonebank.parties.services import party_after
from phonebank.parties.summary import share_of, summary_of
from phonebank.roster import filters
from phonebank.roster.practice_first import MINUTES, owes_practice
from phonebank.scripts.step_renderer import fill
from phonebank.trainings.marks import mark_of
from phonebank.volunteers.ready import next_step
from phonebank.volunteers.volunteers import volunteer_of
from scripts_library.merge_fields import render_html


@pages.get("/calling")
@for_callers
def calling() -> ResponseReturnValue:
    """Show the briefing, or the page that fits the caller's state.

    If the party or the campaign has ended, a caller without a contact gets a page that says so. On
    this page, a caller who is not admitted does not see the party's results. In a campaign that
    calls through a telephone service, an admitted caller who is on the telephone gets the telephone
    page even after the campaign has ended (see `show_next`).

    Otherwise, a caller who waits to be admitted gets the lobby, the page for such callers. A caller
    who has a contact is redirected to the contact's page.

    The JSON says whether the caller has a contact and whether the caller must practise first. It
    also has the caller's state. If the caller waits to be admitted to a party or campaign that has
    ended, the JSON has "ended" in place of this state.
    """
    caller = g.caller
    held = current_hold(caller) is not None
    owed = owes_practice(caller)
    place = page_data.place_of(caller)
    if wants_json():
        # The lobby requests this again and again, and reloads if the state is not "waiting".
        waits_in_vain = caller.state == CallerState.WAITING and (
            place["campaign"].state == CampaignState.ENDED
            or (place["party"] is not None and place["party"].has_ended and not held)
        )
        return jsonify(
            state=CampaignState.ENDED if waits_in_vain else caller.state,
            person=held,
            practice_first=owed,
            csrf_token=generate_csrf(),
        )
    leave_url = url_for(".leave")
    if place["party"] is not None and place["party"].has_ended and not held:
        kept = volunteer_of(caller)
        return render_template(
            "callers/party_ended.html",
            kept=kept,
            step=next_step(kept, caller.campaign),
            leave_url=leave_url,
            share=share_of(place["party"], caller.id),
            # The results name other callers, and the code of the next party lets people join it.
            evening=summary_of(place["party"]) if caller.may_call else None,
            next_party=party_after(place["party"]) if caller.may_call else None,
            unrecorded=page_data.unrecorded_call(caller),
            **place,
        )
    if caller.state == CallerState.WAITING:
        if place["campaign"].state == CampaignState.ENDED:
            over = GoneError("This campaign has ended.", "Thank you for wanting to help.")
            return waiting.render_ended(over, caller), over.status
        return render_template(
            "callers/lobby.html",
            leave_url=leave_url,
            owed_minutes=MINUTES if owed else None,
            **place,
        )
    if held:
        return redirect(url_for(".person"))
    if place["campaign"].state == CampaignState.ENDED:
        return show_next()
    fields = shared_fields(caller, place["campaign"])
    words = words_of(next(iter(active_version_ids(caller.campaign_id)), None))
    return render_template(
        "callers/briefing.html",
        leave_url=leave_url,
        owed_minutes=MINUTES if owed else None,
        # render_html escapes the text that it gets.
        briefing=Markup(render_html(place["campaign"].briefing, fields)),  # noqa: S704
        first_words=fill(words.identification, fields),
        has_script=words.script is not None,
        unrecorded=page_data.unrecorded_call(caller),
        languages=filters.offered_languages(place["campaign"], caller),
        spoken=filters.languages_spoken(place["campaign"], caller),
        **place,
    )


@pages.post("/calling/next")
@with_urgency(Urgency.CLAIM)
@for_callers
def next_person() -> ResponseReturnValue:
    """Claim and show the next contact, or show why there is none.

    When an admitted caller uses this view for the first time, store that the caller has made the
    promise that the page shows above the button. If the page asked which languages the caller
    speaks, store the chosen languages too.
    """
    chooses_languages = "choosing_languages" in request.form
    if g.caller.may_call and (g.caller.promised_at is None or chooses_languages):
        g.caller.promised_at = g.caller.promised_at or now()
        if chooses_languages:
            campaign = page_data.campaign_of(g.caller)
            filters.set_languages(campaign, g.caller, request.form.getlist("language"))
        db.session.commit()
    return show_next()


@pages.get("/calling/wait")
@with_urgency(Urgency.CLAIM)
@for_busy_callers
def wait() -> ResponseReturnValue:
    """Claim and show the next contact, or show the waiting page. Each request for this page tries
    again. A caller who has not yet made the promise on the briefing page is redirected there.

    The view claims a contact on a GET request, so that the page can try again without JavaScript.
    The claim is safe, because the caller has already asked for a contact, and a reload after a
    claim shows the same contact.
    """
    if g.caller.promised_at is None:
        return redirect(url_for(".calling"))
    return show_next(from_waiting_page=True)


@pages.get("/calling/person")
@with_urgency(Urgency.CLAIM)
@for_callers
def person() -> ResponseReturnValue:
    """Show the contact who is on this caller's screen. If there is none, redirect to `calling`, or
    raise NotFoundError for a request that wants JSON."""
    hold = current_hold(g.caller)
    if hold is not None:
        return show(hold, undone=request.args.get("undone", ""))
    if wants_json():
        raise NotFoundError("There's nobody on your screen.", "Ask for the next person.")
    return redirect(url_for(".calling"))


@pages.get("/calling/person/qr.svg")
@for_callers
def person_qr() -> ResponseReturnValue:
    """Return the contact's number as a QR code, so that the caller can call from another phone.

    The QR code has its own address, because it takes longer to draw than the rest of the page, and
    few callers look at it. Raises NotFoundError if no contact is on the screen, if the campaign
    shows no numbers, or if the contact may not be called again (`redial_block_reason`).
    """
    hold = current_hold(g.caller)
    if hold is None:
        raise NotFoundError("There's nobody on your screen.", "Ask for the next person.")
    campaign = page_data.campaign_of(g.caller)
    why_not = redial_block_reason(hold.call, hold.contact, campaign)
    if not campaign.mode.shows_numbers:
        raise NotFoundError(
            "This campaign doesn't show numbers.", "Tap the button to call this person."
        )
    if why_not:
        raise NotFoundError(why_not, "Say how the call ended.")
    return Response(qr_svg(f"tel:{hold.call.phone}"), mimetype="image/svg+xml")


@pages.get("/calling/mine")
@for_callers
def mine() -> ResponseReturnValue:
    """Show the caller's last recorded calls, each with its time and its outcome. In place of each
    person's name, the page shows the first letter of the first name."""
    calls = page_data.last_calls(g.caller)
    if wants_json():
        return jsonify(calls=[call.as_json() for call in calls])
    return render_template(
        "callers/my_calls.html",
        calls=calls,
        totals=page_data.totals_of_today(g.caller),
        kept=volunteer_of(g.caller),
        mark=mark_of(g.caller),
        **page_data.place_of(g.caller),
    )
