"""The parts of Phonebank that many other parts use, for example configuration, PostgreSQL, Redis,
errors, access rules, jobs and mail."""
