"""A campaign's scripts: their drafts, their published versions, and the script editor."""
