"""Erases people's data, makes a file of what is stored about one person, and lists who saw which
person (the access ledger)."""
