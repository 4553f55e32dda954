"""The job that simulates evenings of calling when an organiser asks for this."""

from phonebank.core.jobs import CHORES, job
from phonebank.machine_calls import simulations


@job(CHORES, timeout=simulations.PLAYING_AT_MOST)
def simulate_evenings(callers: int, answers: int, talk: int, ceiling: int) -> None:
    """Simulate evenings of calling with these figures, unless the results are already stored."""
    question = simulations.Question(callers, answers, talk, ceiling)
    if simulations.simulation_of(question) is None:
        simulations.play(question)
