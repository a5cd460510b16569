"""Checks of the published tables and of benchmark files; each finding says what it means for the tables."""

from vistok.reporting.audit.checks import add_arguments, run, run_audit

__all__ = ["add_arguments", "run", "run_audit"]
