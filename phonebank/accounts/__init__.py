"""Accounts of organisers, viewers and hosts: their roles, sign-in links, sessions and second
factor."""
