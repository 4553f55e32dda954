"""One call, from the claim to its outcome, and undoing the outcome.

- `claim`, `claim_rows`   the next contact for a caller; what a claim reads and writes
- `hold`              the contact on a caller's screen: looking it up, renewing, releasing
- `eligibility`       whether a caller's campaign and party are calling
- `answers`           the answers at each step of the script
- `record`, `undo`    the outcome, and undoing it
- `contact_state`, `household_state`   what an outcome does to the contact and to its household
- `contact_snapshot`  what an undo restores
- `household`         switching the call to another person of the household
- `never_again`       taking back what a call entered on the do-not-call list
- `set_aside`, `set_aside_worker`, `jobs`   setting aside all that one caller recorded
- `speed_check`, `caller_history`   outcomes that came too fast; what one caller did
- `merge_fields`      the values of a call's merge fields
"""
