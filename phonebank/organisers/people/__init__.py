"""The organiser's pages about accounts: who may sign in, and in which role."""
