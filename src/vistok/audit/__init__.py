"""Checks of the published tables and of benchmark files; each finding says what it means for the tables."""
