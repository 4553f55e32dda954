"""The organiser's page of changes to people's data, such as a new number, that people told callers
about."""
