"""Pages for everyone: the front page, signing in, accounts, guides and errors."""
