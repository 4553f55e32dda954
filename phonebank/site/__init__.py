"""Pages for everyone: the front page, the sign-in pages, the pages of the signed-in person's own
account, the guides and the health checks."""
