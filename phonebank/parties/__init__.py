"""Pop-up phone parties: the host's pages, the board on the television, and who may come in."""
