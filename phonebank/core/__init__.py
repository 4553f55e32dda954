"""The parts of Phonebank that all other parts use: configuration, PostgreSQL, Redis, errors,
access, jobs and mail."""
