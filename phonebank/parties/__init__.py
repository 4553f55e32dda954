"""Pop-up phone parties: their settings, callers, co-hosts, codes and results."""
