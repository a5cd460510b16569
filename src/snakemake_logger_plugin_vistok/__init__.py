"""`snakemake --logger vistok`: one readable line a job, the time left, and errors last; see `vistok.workflow.report`.

A dry run, `-p`, `--verbose` and what else shows more are told as Snakemake tells them.
"""

import sys
from collections.abc import Iterable
from logging import ERROR, WARNING, LogRecord
from typing import Any, Final

from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from vistok.workflow.expected import Expected, called
from vistok.workflow.report import Report

# What Snakemake tells around a build, and the lines of jobs say already.
_PASSED_OVER: Final = (LogEvent.JOB_ERROR, LogEvent.GROUP_ERROR, LogEvent.ERROR)
_report: Report | None = None


def begin(expected: Expected) -> None:
    """Takes what jobs the build is about to run; the Snakefile calls it when it starts."""
    global _report
    _report = Report(expected)
    _tell(_report.opened())


def is_used(settings: Any) -> bool:
    """Returns whether this plugin, and not Snakemake, tells of the jobs."""
    return "vistok" in settings.log_handler_settings and not _shows_more(settings)


def tell(lines: Iterable[str]) -> None:
    """Prints what the Snakefile has to say behind all jobs."""
    _tell(lines)


class LogHandler(LogHandlerBase):
    """Tells of a build in lines of at most 160 characters, on standard error."""

    def __post_init__(self) -> None:
        self._other: list[str] = []
        self._plain = _as_snakemake(self.common_settings) if _shows_more(self.common_settings) else None

    def emit(self, record: LogRecord) -> None:
        if self._plain:
            if self._plain.filter(record):
                self._plain.emit(record)
            return
        event = getattr(record, "event", None)
        if _report is None or (record.levelno >= WARNING and event is None):
            self._tell_other(record)
        elif event == LogEvent.JOB_INFO:
            _tell(_report.started(record.jobid, called(record.rule_name, record.wildcards or {})))  # type: ignore[attr-defined]
        elif event == LogEvent.JOB_FINISHED:
            _tell(_report.ended(record.job_id))  # type: ignore[attr-defined]
        elif event == LogEvent.JOB_ERROR:
            logs = [str(path) for path in record.log]  # type: ignore[attr-defined]
            _tell(_report.failed(record.jobid, record.rule_name, logs))  # type: ignore[attr-defined]

    def close(self) -> None:
        if _report and (errors := _report.errors()):
            _tell(["", *errors])
        super().close()

    def _tell_other(self, record: LogRecord) -> None:
        """Tells warnings and errors, and before the build starts nothing else but that there is nothing to do."""
        text = record.getMessage()
        if record.levelno >= WARNING or text.startswith("Nothing to be done"):
            _tell(text.splitlines() if record.levelno >= ERROR else text.splitlines()[:2])

    @property
    def writes_to_stream(self) -> bool:
        return True

    @property
    def writes_to_file(self) -> bool:
        return False

    @property
    def has_filter(self) -> bool:
        return True

    @property
    def has_formatter(self) -> bool:
        return True

    @property
    def needs_rulegraph(self) -> bool:
        return False


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr, flush=True)


def _shows_more(settings: Any) -> bool:
    return bool(settings.dryrun or settings.printshellcmds or settings.verbose or settings.debug_dag)


def _as_snakemake(settings: Any) -> ColorizingTextHandler:
    """Returns the handler that Snakemake itself would tell with."""
    stream = sys.stdout if settings.stdout else sys.stderr
    handler = ColorizingTextHandler(nocolor=settings.nocolor, stream=stream)
    handler.setFormatter(DefaultFormatter(settings.quiet, settings.show_failed_logs))
    handler.addFilter(
        DefaultFilter(
            settings.quiet, settings.debug_dag, settings.verbose, settings.dryrun, settings.printshellcmds
        )
    )
    return handler
