"""The pages on which an organiser finds a person, sees everything about them, and corrects what was
recorded about calls to them."""
