"""Which jobs the clock puts on their queues, and how often."""

from phonebank.calls.jobs import go_on_setting_aside
from phonebank.contact_queue.jobs import reap_expired_holds, refill_ready
from phonebank.contact_queue.reschedule import settle_hours
from phonebank.core.jobs import Periodic
from phonebank.lists.jobs import resume_imports
from phonebank.parties.auto_end import end_forgotten_parties
from phonebank.roster.open_door import forget_addresses
from phonebank.suppressions.jobs import resume_lifting
from phonebank.tallies.reconcile import recount_tallies

PERIODIC_JOBS = (
    Periodic(reap_expired_holds, seconds=5),
    Periodic(refill_ready, seconds=15),
    Periodic(settle_hours, seconds=15),
    Periodic(go_on_setting_aside, seconds=15),
    Periodic(forget_addresses, seconds=3600),
    Periodic(resume_imports, seconds=60),
    Periodic(resume_lifting, seconds=300),
    Periodic(recount_tallies, seconds=300),
    Periodic(end_forgotten_parties, seconds=600),
)
