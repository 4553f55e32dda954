"""The tokens with which other software uses the API."""
