"""The organiser's pages about answers that need action."""
