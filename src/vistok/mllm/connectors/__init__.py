"""Connectors: one file per kind behind one interface (base.py)."""
