"""The organiser's pages about experiments."""
