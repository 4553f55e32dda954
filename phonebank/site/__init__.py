"""Pages for everyone: the front page, signing in, one's own account, guides, health checks."""
