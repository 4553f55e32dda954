"""Decides how many lines a machine should dial now. A line is one telephone connection, here the
connection to a person. This package uses no database and no clock."""
