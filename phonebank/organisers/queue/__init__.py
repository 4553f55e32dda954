"""The organiser's pages about contact status."""
