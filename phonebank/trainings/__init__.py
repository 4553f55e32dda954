"""Trainings: callers who have practised with a trainer get a mark, and a campaign may require
it."""
