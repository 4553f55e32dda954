"""The pages about chapters, for organisers of the whole installation."""
