"""The organiser's pages about events that are meant for strangers."""
