"""The organiser's pages about lists."""
