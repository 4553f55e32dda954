"""The volunteer's side: whom to ring, when, and what came of it."""
