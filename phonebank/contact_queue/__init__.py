"""Who is rung next: the one place that hands people out, and takes them back.

Read in this order:

- `hours`    may this person be rung now, by the campaign's hours and the country's
- `store`    what Redis holds for a campaign, and the Lua scripts that change it
- `refill`   PostgreSQL → Redis: keeps some minutes' worth of people ready; rebuilds a lost Redis
- `reap`     takes back the holds of callers who vanished, and puts Redis' copy of the holds right
- `buckets`  where every contact of a campaign stands, and when the next becomes callable
- `figures`  the same for everyone who watches, counted by one of them
- `jobs`     the periodic chores

A claim takes an id from Redis (one Lua script, so two callers never get one id), then locks that
person in PostgreSQL, asks whether they may be called as things stand by then, and writes the open
call under unique indexes. Redis proposes, PostgreSQL decides: a wrong, old or empty Redis costs
time, never a double call.

When a hold ends is written in one place: `call.expires_at`. Renewals move it, the reaper ends by
it, and Redis has a copy so that nobody is offered who is on a screen. The copy is made again where
Redis was emptied, replaced or started again, and put right by each round of the reaper.
What Redis holds is bounded by the callers online, not by the list.
"""
