"""The pages about chapters (local groups), for organisers of the whole installation."""
