"""The base of all other parts: configuration, PostgreSQL, Redis, errors, access, jobs, mail."""
