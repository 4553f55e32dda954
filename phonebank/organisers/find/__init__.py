"""The pages on which an organiser finds a person, sees what is stored about the person, and
corrects what was recorded about calls to the person."""
