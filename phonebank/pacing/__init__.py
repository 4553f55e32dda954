"""Decides how many lines a machine should dial now. This package uses no database and no clock."""
