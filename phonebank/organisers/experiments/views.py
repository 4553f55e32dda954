"""The pages on which an organiser sets up, starts and stops experiments, and sees their results."""

from flask import Blueprint, Flask, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.scopes import campaign_for
from phonebank.experiments import services
from phonebank.experiments.results import results_of
from phonebank.models import Campaign, Experiment, RoleName
from phonebank.organisers.experiments.forms import ExperimentForm

experiments = Blueprint(
    "experiments", __name__, url_prefix="/campaigns/<int:campaign_id>/experiments"
)


def init_app(app: Flask) -> None:
    """Register the pages, and let the templates of other pages call `running_experiment`."""
    app.register_blueprint(experiments)
    app.add_template_global(services.running_experiment)


@experiments.get("")
@open_to(RoleName.ORGANISER)
def index(campaign_id: int) -> ResponseReturnValue:
    """Show the campaign's experiments."""
    campaign = campaign_for(current_user, campaign_id)
    return render_template(
        "experiments/index.html", campaign=campaign, experiments=services.experiments_of(campaign)
    )


@experiments.route("/new", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def new(campaign_id: int) -> ResponseReturnValue:
    """Show the form for a new experiment, in which the organiser chooses the scripts and the share
    of people for each script.

    A POST creates the experiment.
    """
    campaign = campaign_for(current_user, campaign_id)
    offered = services.available_arm_scripts(campaign)
    form = ExperimentForm(offered)
    if form.validate_on_submit():
        experiment = services.create_experiment(campaign, form.name.data.strip(), form.arms())
        db.session.commit()
        flash("The experiment is set up. Review it, then start it.", "success")
        return _redirect_to(campaign, experiment)
    status = 422 if form.errors else 200
    page = render_template(
        "experiments/new.html", campaign=campaign, form=form, enough=len(offered) >= 2
    )
    return page, status


@experiments.get("/<int:experiment_id>")
@open_to(RoleName.ORGANISER)
def show(campaign_id: int, experiment_id: int) -> ResponseReturnValue:
    """Show one experiment: the scripts that it compares, and the results so far."""
    campaign, experiment = _experiment(campaign_id, experiment_id)
    return render_template(
        "experiments/show.html",
        campaign=campaign,
        experiment=experiment,
        results=results_of(experiment),
        shares=sum(arm.share for arm in experiment.arms),
    )


@experiments.post("/<int:experiment_id>/start")
@open_to(RoleName.ORGANISER)
def start(campaign_id: int, experiment_id: int) -> ResponseReturnValue:
    """Start the experiment. From now on, a caller who gets the next person also gets one of the
    experiment's scripts."""
    campaign, experiment = _experiment(campaign_id, experiment_id)
    services.start(campaign, experiment)
    db.session.commit()
    flash(
        "Started. Callers will get the experiment's scripts when they get their next person.",
        "success",
    )
    return _redirect_to(campaign, experiment)


@experiments.post("/<int:experiment_id>/stop")
@open_to(RoleName.ORGANISER)
def stop(campaign_id: int, experiment_id: int) -> ResponseReturnValue:
    """Stop the experiment permanently."""
    campaign, experiment = _experiment(campaign_id, experiment_id)
    services.stop(experiment)
    db.session.commit()
    flash(
        "Stopped. Callers will get the campaign's script when they get their next person.",
        "success",
    )
    return _redirect_to(campaign, experiment)


@experiments.post("/<int:experiment_id>/discard")
@open_to(RoleName.ORGANISER)
def discard(campaign_id: int, experiment_id: int) -> ResponseReturnValue:
    """Discard an experiment. This works only before the experiment has started."""
    campaign, experiment = _experiment(campaign_id, experiment_id)
    services.discard(experiment)
    db.session.commit()
    flash("Draft discarded.", "success")
    return redirect(url_for("experiments.index", campaign_id=campaign.id))


def _experiment(campaign_id: int, experiment_id: int) -> tuple[Campaign, Experiment]:
    campaign = campaign_for(current_user, campaign_id)
    return campaign, services.experiment_for(campaign, experiment_id)


def _redirect_to(campaign: Campaign, experiment: Experiment) -> ResponseReturnValue:
    return redirect(
        url_for("experiments.show", campaign_id=campaign.id, experiment_id=experiment.id)
    )
