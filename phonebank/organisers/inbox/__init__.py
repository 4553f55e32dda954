"""The organiser's pages of answers that need action."""
