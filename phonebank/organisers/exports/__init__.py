"""The organiser's pages about downloads."""
