"""Accounts of organisers and hosts: their roles, sign-in links, sessions and second factor."""
