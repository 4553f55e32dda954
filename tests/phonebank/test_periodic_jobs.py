"""What the clock runs: on which queue, and as often as the guides say."""

from phonebank.core.jobs import QUEUES, URGENT
from phonebank.parties.auto_end import end_forgotten_parties
from phonebank.periodic_jobs import PERIODIC_JOBS

QUEUE = {periodic.function.__name__: periodic.function.queue for periodic in PERIODIC_JOBS}
SECONDS = {periodic.function.__name__: periodic.seconds for periodic in PERIODIC_JOBS}


def test_what_keeps_callers_going_has_a_queue_of_its_own() -> None:
    urgent = {name for name, queue in QUEUE.items() if queue == URGENT}
    assert urgent == {"reap_expired_holds", "refill_ready", "settle_hours"}
    assert QUEUES[0] == URGENT


def test_the_clock_comes_round_as_often_as_the_guides_say() -> None:
    assert SECONDS["settle_hours"] <= 30, "calling-rules.md: within half a minute of a change"
    assert SECONDS["recount_tallies"] <= 300, "glossary.md: checked every five minutes"


def test_the_clock_ends_forgotten_parties() -> None:
    assert end_forgotten_parties in [periodic.function for periodic in PERIODIC_JOBS]
