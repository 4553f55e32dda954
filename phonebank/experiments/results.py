"""An experiment's results as its page shows them: figures, intervals, steps and verdicts."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from phonebank.core.db import db
from phonebank.experiments import intervals, verdict
from phonebank.experiments.counts import ArmCounts, calls_since, counts_of
from phonebank.experiments.interim_looks import Look, latest_look
from phonebank.experiments.intervals import Interval
from phonebank.experiments.sample_ratio import find_imbalance
from phonebank.experiments.verdict import Comparison, Measure
from phonebank.models import Experiment, ExperimentArm, Script, ScriptVersion, now
from phonebank.scripts.versions import script_of
from scripts_library.script import Script as ParsedScript


@dataclass(frozen=True)
class Share:
    """A share of people: `number` of the `of` people.

    The interval is None if `of` is 0. It is also None before the first look at the experiment (see
    `interim_looks`).
    """

    number: int
    of: int
    interval: Interval | None = None


@dataclass(frozen=True)
class StepShare:
    """The people who passed one step of the script. `passed` counts the people reached whose calls
    went through the step. `no_further` is the number of these people who passed no later step."""

    title: str
    passed: Share
    no_further: int


@dataclass(frozen=True)
class ArmResults:
    """One arm's results.

    `name` is the arm's label, or a shorter name for sentences. `share` is the fraction of the
    contacts that the experiment is to give to the arm, from 0 to 1. `yes` is None if no answer of
    the script counts as a yes. `rated` and `shift` are None if the script does not ask for two
    ratings. `shift` is also None before the first look, or if too few people gave both ratings.
    `shift` is None, too, if everyone's second rating differs from the first by the same amount.
    """

    arm: ExperimentArm
    name: str
    share: float
    script: ParsedScript | None
    counts: ArmCounts
    reached: Share
    conversations: Share
    yes: Share | None
    rated: int | None
    shift: Interval | None
    steps: list[StepShare]
    versions: list[int]


@dataclass(frozen=True)
class Results:
    """The results at one look. Before the first look, `look` is None, and there are no intervals
    and no comparisons.

    `warning` holds sentences that say why the results cannot be trusted. `warning` is usually
    empty.
    """

    look: Look | None
    arms: list[ArmResults]
    comparisons: list[list[str]]
    calls_since: int
    warning: list[str] = field(default_factory=list)

    @property
    def is_balanced(self) -> bool:
        """Whether chance alone can explain how the numbers of people in the arms differ from the
        arms' shares. False before the first look, and if nobody was called."""
        people = sum(arm.counts.people for arm in self.arms)
        return self.look is not None and people > 0 and not self.warning


def results_of(experiment: Experiment, at: datetime | None = None) -> Results:
    """Return the results at the newest look, as of the time `at`. If `at` is None, the current time
    is used.

    Before the first look, the results are live counts. The results of a draft are empty.
    """
    at = at or now()
    if experiment.started_at is None:
        return Results(None, [], [], 0)
    look = latest_look(experiment.started_at, experiment.stopped_at, at)
    arm_ids = [arm.id for arm in experiment.arms]
    counts = counts_of(arm_ids, look.until if look else at)
    shares = sum(arm.share for arm in experiment.arms)
    names = verdict.short_names([arm.label for arm in experiment.arms])
    arms = [
        _arm_results(arm, name, arm.share / shares, counts[arm.id], look)
        for arm, name in zip(experiment.arms, names, strict=True)
    ]
    if look is None:
        return Results(None, arms, [], 0)
    since = calls_since(arm_ids, look.until) if experiment.is_running else 0
    comparisons = _comparisons(arms, look, experiment.is_running)
    return Results(look, arms, comparisons, since, _warning(arms, look))


def _arm_results(
    arm: ExperimentArm, name: str, share: float, counts: ArmCounts, look: Look | None
) -> ArmResults:
    version_id = max(counts.versions, default=None) or _version_id_of(arm)
    script = script_of(version_id)
    asks = bool(script and script.yes)
    rates = bool(script and script.first_rating and script.second_rating)
    shift = None
    if look and rates:
        shift = intervals.mean(intervals.expand(counts.shifts), look.error)
    return ArmResults(
        arm=arm,
        name=name,
        share=share,
        script=script,
        counts=counts,
        reached=_share(counts.reached, counts.people, look),
        conversations=_share(counts.conversations, counts.reached, look),
        yes=_share(counts.yeses, counts.reached, look) if asks else None,
        rated=counts.shifts.total() if rates else None,
        shift=shift,
        steps=_steps(script, counts, look) if script else [],
        versions=_version_numbers(counts),
    )


def _share(number: int, of: int, look: Look | None) -> Share:
    # The two numbers come from two queries, and meanwhile a call may be recorded or undone.
    number = min(number, of)
    return Share(number, of, intervals.rate(number, of, look.error) if look else None)


def _steps(script: ParsedScript, counts: ArmCounts, look: Look | None) -> list[StepShare]:
    """Return the steps in the script's order, without the steps that end the call.

    A step counts as passed if it has an answer. This is so even if the caller later changed the
    answer to an earlier step, and the call then skipped this step.
    """
    steps = [step for step in script.steps if not step.is_end]
    passed = {step.id: 0 for step in steps}
    furthest = {step.id: 0 for step in steps}
    for step_ids, people in counts.steps_passed.items():
        walked = [step.id for step in steps if step.id in step_ids]
        for step_id in walked:
            passed[step_id] += people
        if walked:
            furthest[walked[-1]] += people
    return [
        StepShare(step.title, _share(passed[step.id], counts.reached, look), furthest[step.id])
        for step in steps
    ]


def _warning(arms: list[ArmResults], look: Look) -> list[str]:
    people, shares = [arm.counts.people for arm in arms], [arm.arm.share for arm in arms]
    found = find_imbalance(people, shares, look)
    return verdict.describe_imbalance(arms[found.place].arm.label, found) if found else []


def _comparisons(arms: list[ArmResults], look: Look, running: bool) -> list[list[str]]:
    first, *others = arms
    comparisons = []
    for other in others:
        measures = _measures(first, other)
        for measure in measures:
            compared = _compare(measure, first, other, look, len(others), running)
            main = None if measure is measures[0] else measures[0]
            comparisons.append(verdict.describe_comparison(replace(compared, main=main)))
    return comparisons


def _measures(first: ArmResults, second: ArmResults) -> list[Measure]:
    """Return the measures that both arms' scripts have. If there are no such measures, return only
    the conversation rate. The first is the main measure. Each measure has the whole error of a look
    to itself, so the chance of an error is 5% for each measure, and more for two together."""
    measures = []
    if first.yes and second.yes:
        measures.append(verdict.YES)
    if first.rated is not None and second.rated is not None:
        measures.append(verdict.SHIFT)
    return measures or [verdict.CONVERSATIONS]


def _compare(
    measure: Measure,
    first: ArmResults,
    second: ArmResults,
    look: Look,
    comparisons: int,
    running: bool,
) -> Comparison:
    error = look.error / comparisons
    figures: tuple[float, float] | None
    if measure is verdict.SHIFT:
        one, two = (intervals.expand(arm.counts.shifts) for arm in (first, second))
        difference = intervals.difference(one, two, error)
        figures = (one.mean(), two.mean()) if difference else None
    else:
        rates = [(a.yes if measure is verdict.YES else a.conversations) for a in (first, second)]
        (yes_1, of_1), (yes_2, of_2) = ((rate.number, rate.of) for rate in rates if rate)
        difference = intervals.rate_difference((yes_1, of_1), (yes_2, of_2), error)
        figures = (yes_1 / of_1, yes_2 / of_2) if difference else None
    conversations = first.counts.conversations + second.counts.conversations
    more = None
    if difference and running:
        more = verdict.conversations_needed(difference, error, look, conversations, comparisons)
    return Comparison(measure, first.name, second.name, figures, difference, more, not running)


def _version_id_of(arm: ExperimentArm) -> int | None:
    if arm.script_version_id is not None:
        return arm.script_version_id
    return db.session.get_one(Script, arm.script_id).published_version_id


def _version_numbers(counts: ArmCounts) -> list[int]:
    """Return the numbers of the versions that the arm's calls used."""
    versions = (db.session.get(ScriptVersion, version_id) for version_id in counts.versions)
    return sorted(version.number for version in versions if version)
