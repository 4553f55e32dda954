"""The organiser's pages about campaigns."""
