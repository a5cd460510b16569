"""What a reader sees: tables, claims, audit and figures."""
