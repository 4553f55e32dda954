"""The organiser's page of what callers were told."""
