"""Call-outs: the evenings that make hosts. Signing in, pledges, paper sheets, and what follows."""
