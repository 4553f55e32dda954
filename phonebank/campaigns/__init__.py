"""Sets up campaigns, starts, pauses and ends them, and counts their results."""
