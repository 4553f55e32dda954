"""Which contact is called next. `docs/queue.md` tells how it works.

- `queue`           what a claim uses: take a contact, release it, top up
- `redis_queue`     what Redis holds for a campaign, and the Lua scripts that change it
- `refill`          PostgreSQL → Redis: keeps contacts ready, and rebuilds a lost Redis
- `sql_conditions`  the SQL conditions that several queries share
- `campaign_hours`  whether a campaign may call a contact at this hour
- `caller_filters`  which contacts a caller may get
- `holds`           the one place where a hold ends or opens again
- `expire_holds`    ends the holds of callers who vanished, and corrects Redis' copy of the holds
- `reschedule`      applies a change of calling hours to contacts that wait
- `status_counts`   how many contacts are in which state, and when the next becomes callable
- `status_cache`    the same counts, cached for all open pages
- `empty_reasons`   why a caller gets no contact
- `jobs`            the periodic jobs
"""
