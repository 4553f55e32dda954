"""The organiser's pages about the do-not-call list."""
