"""What every part stands on: configuration, PostgreSQL, Redis, errors, access, jobs, mail."""
