"""The organiser's page about how callers reach people: on their own phones, or through a telephone
service."""
