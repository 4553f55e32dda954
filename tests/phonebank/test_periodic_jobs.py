"""What the clock runs: on which queue, and as often as the guides say."""

from phonebank.contact_queue.jobs import (
    correct_all_hold_copies,
    expire_all_holds,
    top_up_all_queues,
)
from phonebank.contact_queue.reschedule import reschedule_campaigns
from phonebank.core.jobs import QUEUES, URGENT
from phonebank.parties.auto_end import end_forgotten_parties
from phonebank.periodic_jobs import PERIODIC_JOBS
from phonebank.tallies.reconcile import recount_tallies

SECONDS = {periodic.function: periodic.seconds for periodic in PERIODIC_JOBS}


def test_what_keeps_callers_going_has_a_queue_of_its_own() -> None:
    urgent = {function for function in SECONDS if function.queue == URGENT}
    assert urgent == {
        expire_all_holds,
        correct_all_hold_copies,
        top_up_all_queues,
        reschedule_campaigns,
    }
    assert QUEUES[0] == URGENT


def test_the_clock_comes_round_as_often_as_the_guides_say() -> None:
    assert SECONDS[reschedule_campaigns] <= 30, "calling-rules.md: within half a minute of a change"
    assert SECONDS[recount_tallies] <= 300, "glossary.md: checked every five minutes"


def test_the_clock_ends_forgotten_parties() -> None:
    assert end_forgotten_parties in SECONDS
