"""Do not call: entering a number, asking after it, lifting a mistake."""
