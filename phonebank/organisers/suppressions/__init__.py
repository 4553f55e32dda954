"""The organiser's pages about do-not-call list."""
