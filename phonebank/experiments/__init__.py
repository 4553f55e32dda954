"""Several scripts on one campaign, each contact in one of them by a fixed draw, and what came."""
