"""Who is rung next: the one place that hands people out, and takes them back.

Read in this order:

- `hours`    may this person be rung now, by the campaign's hours and the country's
- `store`    what Redis holds for a campaign, and the Lua scripts that change it
- `refill`   PostgreSQL → Redis: keeps some minutes' worth of people ready; rebuilds a lost Redis
- `reap`     takes back the holds of callers who vanished
- `buckets`  where every contact of a campaign stands, and when the next becomes callable
- `figures`  the same for everyone who watches, counted by one of them
- `jobs`     the periodic chores

A claim takes an id from Redis (one Lua script, so two callers never get one id), then asks
PostgreSQL whether that person may still be rung and writes the open call under unique indexes.
Redis proposes, PostgreSQL decides: a wrong, old or empty Redis costs time, never a double call.
What Redis holds is bounded by the callers online, not by the list.
"""
