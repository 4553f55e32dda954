"""Decides how many lines a machine dials now. This package uses no database and no clock."""
