"""The organiser's pages about callers."""
