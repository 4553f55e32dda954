"""The organiser's page on which the organiser chooses how callers reach people: on their own
phones, or through a telephone service."""
