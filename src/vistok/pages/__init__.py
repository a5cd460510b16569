"""What a reader opens: tables, claims, audit and curves as pages."""
