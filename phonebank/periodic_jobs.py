"""The jobs that the clock process puts on their queues again and again, and the number of seconds
between two runs of each job."""

from phonebank.callouts.jobs import look_after_call_outs
from phonebank.calls.jobs import continue_all_set_asides
from phonebank.campaigns.jobs import count_days
from phonebank.contact_queue.jobs import (
    correct_all_hold_copies,
    expire_all_holds,
    top_up_all_queues,
)
from phonebank.contact_queue.reschedule import reschedule_campaigns
from phonebank.core.jobs import Periodic
from phonebank.exports.jobs import look_after_exports
from phonebank.inbox.jobs import read_marked_answers
from phonebank.listings.jobs import erase_old_addresses, send_due_reminders
from phonebank.lists.jobs import pause_lists_of_old_screening, resume_imports
from phonebank.parties.auto_end import end_forgotten_parties
from phonebank.privacy.jobs import continue_erasures, perform_retention
from phonebank.roster.blocked_addresses import forget_addresses
from phonebank.roster.jobs import renew_filters
from phonebank.suppressions.jobs import resume_lifting
from phonebank.tallies.reconcile import recount_tallies
from phonebank.telephony.jobs import fill_in_prices
from phonebank.volunteers.jobs import forget_volunteers
from phonebank.webhooks.jobs import forget_old_deliveries, look_after_webhooks

PERIODIC_JOBS = (
    Periodic(expire_all_holds, seconds=5),
    Periodic(correct_all_hold_copies, seconds=15),
    Periodic(top_up_all_queues, seconds=15),
    Periodic(reschedule_campaigns, seconds=15),
    Periodic(continue_all_set_asides, seconds=15),
    Periodic(look_after_webhooks, seconds=10),
    Periodic(forget_old_deliveries, seconds=3600),
    Periodic(forget_addresses, seconds=3600),
    Periodic(look_after_call_outs, seconds=60),
    Periodic(forget_volunteers, seconds=3600),
    Periodic(resume_imports, seconds=60),
    Periodic(pause_lists_of_old_screening, seconds=300),
    Periodic(renew_filters, seconds=300),
    Periodic(look_after_exports, seconds=60),
    Periodic(read_marked_answers, seconds=30),
    Periodic(fill_in_prices, seconds=60),
    Periodic(send_due_reminders, seconds=60),
    Periodic(count_days, seconds=30),
    Periodic(erase_old_addresses, seconds=3600),
    Periodic(continue_erasures, seconds=60),
    Periodic(perform_retention, seconds=60),
    Periodic(resume_lifting, seconds=300),
    Periodic(recount_tallies, seconds=300),
    Periodic(end_forgotten_parties, seconds=600),
)
