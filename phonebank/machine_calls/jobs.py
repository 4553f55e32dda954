"""The job that plays the evenings an organiser asks about."""

from phonebank.core.jobs import CHORES, job
from phonebank.machine_calls import simulations


@job(CHORES, timeout=simulations.PLAYING_AT_MOST)
def simulate_evenings(callers: int, answers: int, talk: int, ceiling: int) -> None:
    """Play evenings of this kind, unless they were played before."""
    question = simulations.Question(callers, answers, talk, ceiling)
    if simulations.simulation_of(question) is None:
        simulations.play(question)
