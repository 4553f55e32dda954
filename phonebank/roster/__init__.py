"""The callers of a campaign: who comes in, who goes, and by what name. For hosts and organisers."""
