"""Webhooks: what happened in a campaign, told to other software."""
