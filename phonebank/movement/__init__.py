"""The pages of volunteers and strangers: a volunteer's own page and the links that are mailed."""
