"""The volunteer's application: joining, calling and practising."""
