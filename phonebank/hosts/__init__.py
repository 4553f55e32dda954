"""The party host's pages and the board on the television."""
