"""The API at /api/v1. Other software uses it to read people and outcomes."""
