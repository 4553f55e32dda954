"""The pages of a party's host, and the board: the page of figures for the party's television."""
