"""The organiser's pages about scripts."""
