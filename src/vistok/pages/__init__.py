"""The pages that readers open: tables, claims, audit and curves."""
