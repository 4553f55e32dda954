"""Telephone numbers as people write them, numbering plans and postcodes. These modules use no
database and know no request.

A drama number is a number that a regulator reserves for radio and television drama. Nobody has such
a number, and only the demonstration campaign calls them.
"""
