"""The organiser's pages about accounts: who may sign in, and with which role."""
