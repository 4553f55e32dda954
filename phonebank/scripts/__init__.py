"""A campaign's scripts: drafts, versions, and what the script editor does."""
