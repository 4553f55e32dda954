"""The organiser's pages about public events, and about area editors and trainers."""
