"""Decides which contact of a campaign a caller gets next. `docs/queue.md` explains how this contact
queue works.

Words used in this package:

- hold: the reservation of a contact while the contact is on a caller's screen, or while the server
  calls the contact before a caller is free. A hold is a row of `call` whose `ended_at` is NULL.
  Redis has a copy of each hold
- claim: a request that gives a caller the next contact
- lane: a sorted list, in Redis, of the contacts that can be called next. Each language has its own
  lane. Callers who are limited to some lists or to a filter use separate lanes
- refill: copy callable contacts from PostgreSQL into a lane. To top up means to refill a lane that
  has few contacts left
- bucket: the group that a contact is in on the page *Contact status*, such as *Ready to call*

Modules:

- `queue`           what a claim uses: take a contact, release it, top up the lanes
- `redis_queue`     the data that Redis stores for a campaign, and the Lua scripts that change it
- `refill`          refills lanes, and rebuilds a queue that Redis has lost
- `sql_conditions`  SQL conditions that several queries use
- `campaign_hours`  whether a campaign may call a contact at a given time
- `caller_filters`  which contacts a caller may get
- `answer_order`    orders lists by how often their people answer at this hour
- `number_rest`     numbers that rest because another campaign has called them
- `holds`           ends a hold or opens it again, in the call's row and in Redis
- `expire_holds`    ends holds that have expired
- `hold_copies`     corrects the copy of the holds in Redis
- `reschedule`      applies a change of calling hours to contacts that are waiting
- `status_counts`   how many contacts are in each bucket, and when the next one becomes callable
- `status_cache`    the same counts, stored for some seconds for all pages that show them
- `empty_reasons`   why a caller gets no contact
- `jobs`            the queue's periodic jobs
"""
