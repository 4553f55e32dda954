"""One call, from the claim to its outcome, and taking the outcome back.

- `claim`             the next contact for a caller
- `hold`              the contact on a caller's screen: looking it up, renewing, releasing
- `eligibility`       whether a caller's campaign and party are calling
- `answers`           what was answered at each step of the script
- `record`, `undo`    the outcome, and undoing it
- `contact_state`, `household_state`   what an outcome does to the contact and to its household
- `contact_snapshot`  what an undo restores
- `household`         another of the household came to the phone
- `set_aside`, `set_aside_steps`, `jobs`   setting aside all that one caller recorded
- `speed_check`, `history`   outcomes that came too fast; what one caller did
- `merge_fields`      what the merge fields of a call stand for
"""
