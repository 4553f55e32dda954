"""The page on which an organiser simulates evenings of calls that a machine dials."""

from flask import Flask, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.contact_queue.campaign_hours import rules_of
from phonebank.core.access import open_to
from phonebank.core.jobs import enqueue
from phonebank.core.rate_limits import account_key, limiter
from phonebank.core.scopes import campaign_for
from phonebank.machine_calls import simulations
from phonebank.machine_calls.jobs import simulate_evenings
from phonebank.machine_calls.simulations import Question
from phonebank.models import Campaign, RoleName
from phonebank.organisers.machine_calls.forms import SimulationForm
from phonebank.organisers.machine_calls.views import machine_calls
from phonebank.pacing.rule import FEWEST_CALLERS

ASKS = "30 per minute"
PERMILLE = 1000


def init_app(app: Flask) -> None:
    """Do nothing. Importing this module has already added the page to the blueprint of `views`."""


@machine_calls.get("/simulate")
@open_to(RoleName.ORGANISER)
def simulate(campaign_id: int) -> ResponseReturnValue:
    """Show the form. If the address has the form's values, also show the results of the evenings
    that were simulated with these values. While a job simulates the evenings, htmx requests only
    the part of the page with the results."""
    campaign = campaign_for(current_user, campaign_id)
    form = SimulationForm(formdata=request.args if request.args else None, meta={"csrf": False})
    question = _question(campaign, form) if request.args and form.validate() else None
    found = simulations.simulation_of(question) if question else None
    part = request.headers.get("HX-Request")
    return render_template(
        "machine_calls/_simulation.html" if part else "machine_calls/simulate.html",
        campaign=campaign,
        form=SimulationForm(formdata=None, data=form.data),
        question=question,
        found=found,
        playing=question is not None and found is None and simulations.is_playing(question),
        fewest=FEWEST_CALLERS,
    )


@machine_calls.post("/simulate")
@limiter.limit(ASKS, key_func=account_key)
@open_to(RoleName.ORGANISER)
def start_simulation(campaign_id: int) -> ResponseReturnValue:
    """Enqueue a job that simulates evenings with the numbers in the form. Enqueue nothing if the
    results of such evenings are stored, or if such evenings are being simulated now."""
    campaign = campaign_for(current_user, campaign_id)
    form = SimulationForm()
    if not form.validate():
        page = render_template(
            "machine_calls/simulate.html",
            campaign=campaign,
            form=form,
            question=None,
            found=None,
            playing=False,
            fewest=FEWEST_CALLERS,
        )
        return page, 422
    question = _question(campaign, form)
    if simulations.begin(question):
        enqueue(
            simulate_evenings,
            question.callers,
            question.answers,
            question.talk,
            question.ceiling,
        )
    return redirect(
        url_for(
            ".simulate",
            campaign_id=campaign.id,
            callers=question.callers,
            answers=question.answers,
            talk=question.talk,
        )
    )


def _question(campaign: Campaign, form: SimulationForm) -> Question:
    ceiling = rules_of(campaign).machine_calls.abandoned_ceiling.value
    return Question(
        callers=form.callers.data or 0,
        answers=form.answers.data or 0,
        talk=form.talk.data or 0,
        ceiling=round(ceiling * PERMILLE),
    )
