"""The parts of Phonebank on which all others build: configuration, PostgreSQL, Redis, errors,
access, jobs and mail."""
