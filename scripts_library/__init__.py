"""Scripts as content and as a machine: what a volunteer says, and which step comes next."""
