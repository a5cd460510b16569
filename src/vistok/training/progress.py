"""Progress of a training, on a terminal or in a log."""

import sys
from contextlib import suppress


def say(line: str, end: str = "\n") -> None:
    """Prints to standard error; an unwritable log must not end a training."""
    with suppress(OSError):
        print(line, end=end, file=sys.stderr, flush=True)


class Progress:
    """A progress bar on a terminal; an occasional plain line in a log file."""

    def __init__(self, name: str, steps: int, first: int, *, quiet: bool) -> None:
        self.name, self.steps, self.quiet = name, steps, quiet
        self.bar, self.width = sys.stderr.isatty(), 0
        self.every = max(1, steps // 10)
        self.next = first + self.every
        if first and not quiet:
            say(f"{name}: goes on from step {first} of {steps}")

    def show(self, step: int, loss: float) -> None:
        if self.quiet:
            return
        if self.bar:
            filled = "#" * (30 * step // self.steps)
            line = f"{self.name} [{filled:<30}] {step}/{self.steps} loss {loss:.3f} "
            self.width = max(self.width, len(line))
            say(f"\r{line:<{self.width}}", end="\n" if step == self.steps else "")
        elif step >= self.next or step == self.steps:
            say(f"{self.name}: step {step} of {self.steps}, loss {loss:.4f}")
            self.next = step + self.every
