"""Trainings: the mark of callers who practised with a trainer, and what requires it."""
