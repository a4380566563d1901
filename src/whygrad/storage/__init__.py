"""Networks in files: saved whole or not at all, and loaded to the bit."""
