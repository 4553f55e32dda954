"""What every other part builds on: configuration, PostgreSQL, Redis, errors, access, jobs, mail."""
