"""Trainings: events at which callers make practice calls. After a practice call, a trainer can give
the caller the trained mark. A campaign may require this mark."""
