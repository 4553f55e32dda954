"""The pages on which an organiser finds a person, sees everything about them, and corrects calls to
them."""
