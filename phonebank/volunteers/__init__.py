"""Volunteers are people with a confirmed e-mail address. This package stores volunteers, their
consents and roles, and which calls are theirs."""
