"""The API at /api/v1. Other software uses the API to read people and outcomes, to add and change
people, and to put numbers on the do-not-call list."""
