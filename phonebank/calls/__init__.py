"""Gives callers contacts to call, records the outcomes of the calls, and undoes or corrects
outcomes.

Words used in this package:

- claim: give a caller the next contact, and write the open call for that contact
- hold: the reservation of a contact for the caller who has the contact on screen
- open call: a call whose hold has not ended
- turn: how many times the outcome of a call has been undone (`call.turn`, 0 at first). With each
  answer, outcome and undo, a page sends the turn that it knows. If that turn differs from the
  call's, the request changes nothing
- household: the contacts that belong to one campaign and have the same number
- late outcome: an outcome that was recorded after the hold had ended
- set aside a call: take the call out of the totals. An organiser does this with calls that a caller
  recorded but did not really make

Modules:

- `claim`, `claim_rows`   give a caller the next contact (`claim_rows` has the statements)
- `hold`              looks up, renews and releases the hold of the contact on a caller's screen
- `eligibility`       checks that calling is under way in a caller's campaign and party
- `answers`           stores the answers at each step of the script
- `earlier_call`      reads what the next caller sees of an earlier call, and copies its answers
- `record`, `call_rows`   record an outcome (`call_rows` has the statements)
- `undo`              undoes an outcome
- `restore_people`    restores the people with a call's number to their state before the call
- `correct`           corrects the outcome, answers and note of a call, for an organiser
- `outcome_effects`   calculates what an outcome changes
- `callback_times`    works out the time of a callback from what a caller tapped or typed
- `later_calls`       finds out whether the contact or number was given to a caller later
- `contact_state`, `household_state`   apply an outcome to the contact and its household
- `contact_snapshot`  holds the values that an undo restores
- `household`         switches the call to another person of the household
- `never_again`       takes a number off the do-not-call list, if a call put the number there
- `set_aside`, `set_aside_worker`, `jobs`   set aside the calls that one caller recorded
- `speed_check`       finds outcomes that were recorded too fast
- `last_call`         reads the caller's last recorded call, with totals
- `changed_calls`     finds calls that changed since a job last read them
- `caller_to_read`    reads the caller as plain values, which is faster than loading objects
- `caller_history`    counts one caller's contacts and outcomes
- `called_back`       finds the people who may have called a caller back
- `text_message`      fills in the text message that a caller may send after a call
- `merge_fields`      collects the values of a call's merge fields
"""
