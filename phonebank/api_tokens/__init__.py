"""The tokens of the API."""
