"""Reads telephone numbers as people write them, and finds the countries and time zones of numbers
and postcodes. The modules of this package use neither the database nor the current request.

A drama number is a number that a regulator reserves for radio and television drama. Nobody has a
drama number. The demonstration campaign calls only drama numbers.
"""
