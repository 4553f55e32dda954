"""The pacing rule: how many lines to dial now.

A line is one telephone connection to a person. Lines are dialled until there is one for each ready
caller. A further line is dialled only if all of these conditions hold:

- If this line is answered, the chance that no caller is free is not above a limit. `look_ahead`
  computes the chance. The limit depends on how many calls have been abandoned that day.
- Even in a bad case, the day's share of abandoned calls would stay below the law's ceiling, with a
  margin. In the bad case, the answer rate triples at this moment, and no caller becomes free. More
  lines than expected are answered, as many as in the worst of a thousand cases. No setting can
  change this bound.
- The rule has decided on fewer lines at this moment than there are callers.

With fewer than five callers, or before the day has fifty answers, no line is dialled beyond one for
each ready caller. Dialling one line for each ready caller is always allowed. A person who answers
such a line finds nobody free only if a caller has left.
"""

from phonebank.pacing.day_bound import Exposure, limit, room
from phonebank.pacing.look_ahead import LookAhead, answer_tables, rate_step, ring_ages
from phonebank.pacing.snapshot import Decision, PacingMode, Snapshot, Stop

FEWEST_CALLERS = 5
FEWEST_ANSWERS = 50


def lines_to_dial(moment: Snapshot) -> Decision:
    """Return how many lines to dial now, and the figures on which this decision is based."""
    if moment.callers < FEWEST_CALLERS:
        return Decision(one_line_each(moment), PacingMode.PROGRESSIVE, Stop.FEW_CALLERS)
    if moment.account.answers < FEWEST_ANSWERS:
        return Decision(one_line_each(moment), PacingMode.PROGRESSIVE, Stop.FEW_ANSWERS)
    return lines_ahead(moment, room(moment.account, moment.law, moment.callers))


def progressive(moment: Snapshot) -> Decision:
    """Return the decision of the progressive rule: to dial lines until there is one for each ready
    caller."""
    return Decision(one_line_each(moment), PacingMode.PROGRESSIVE, None)


def one_line_each(moment: Snapshot) -> int:
    """Return how many more lines to dial so that each ready caller has one. Ringing lines, and
    people who wait for a caller, count too."""
    return max(0, moment.ready - len(moment.ringing) - moment.waiting)


def lines_ahead(moment: Snapshot, allowed: int) -> Decision:
    """Return the decision of the predictive rule. Unlike `lines_to_dial`, this function does not
    check whether there are enough callers and answers.

    `allowed` is how many more calls can be abandoned without raising the day's share of abandoned
    calls above the bound (see `day_bound.room`).
    """
    rate = rate_step(moment.learned.answer_bound())
    ages = ring_ages(moment.ringing)
    at_last = answer_tables(moment.learned.ring, rate).at_last
    exposure = Exposure(moment.ready, moment.waiting, rate, [at_last[age] for age in ages])
    highest = limit(moment.account, moment.law)
    ahead: LookAhead | None = None
    chance: float | None = None
    exposed: int | None = None
    lines = 0
    stop = Stop.ENOUGH
    while lines < moment.callers:
        next_exposed = exposure.with_one_more()
        if next_exposed > allowed:
            stop = Stop.BOUND
            break
        ahead = ahead or LookAhead(moment, rate, ages)
        next_chance = ahead.chance()
        if next_chance > highest:
            stop = Stop.LIMIT
            break
        exposed, chance = next_exposed, next_chance
        ahead.add_line()
        exposure.add_line()
        lines += 1
    return Decision(
        lines=max(lines, one_line_each(moment)),
        mode=PacingMode.PREDICTIVE,
        stop=stop,
        answer_bound=rate,
        limit=highest,
        chance=chance,
        allowed=allowed,
        exposure=exposed,
    )
