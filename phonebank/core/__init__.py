"""What all other parts build on: configuration, PostgreSQL, Redis, errors, access, jobs and
mail."""
