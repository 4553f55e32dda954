"""The organiser's page that shows how many contacts have each status."""
