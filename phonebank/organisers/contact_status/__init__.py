"""The organiser's page of contact status."""
