"""Pages for everyone: the front page, signing in, the person's own account, guides, health
checks."""
