"""Telephone numbers as people write them, numbering plans and postcodes. Pure."""
