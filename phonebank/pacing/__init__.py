"""How many lines a machine dials now, and why. No database, no clock of its own."""
