"""The job that simulates evenings of calling for an organiser."""

from phonebank.core.jobs import CHORES, job
from phonebank.machine_calls import simulations


@job(CHORES, timeout=simulations.PLAYING_AT_MOST)
def simulate_evenings(callers: int, answers: int, talk: int, ceiling: int) -> None:
    """Simulate evenings of calling with these figures, unless that has already been done."""
    question = simulations.Question(callers, answers, talk, ceiling)
    if simulations.simulation_of(question) is None:
        simulations.play(question)
