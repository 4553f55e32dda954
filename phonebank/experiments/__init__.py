"""Experiments that compare scripts. Each contact is randomly given one of the scripts, and always
keeps that script."""
