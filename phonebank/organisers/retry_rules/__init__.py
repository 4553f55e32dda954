"""The organiser's pages about retry rules."""
