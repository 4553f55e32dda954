"""The API at /api/v1, with which other software reads people and outcomes."""
