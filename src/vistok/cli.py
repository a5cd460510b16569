"""The command line: runs one verb, and reports what went wrong in one sentence."""

import os
import signal
import sys
import traceback
from types import FrameType
from typing import Final, NoReturn

from vistok.commands.parser import DEBUG, EXTRAS, parse
from vistok.errors import VistokError
from vistok.failures import flush_output, sentence

INTERRUPTED: Final = 130


def main(arguments: list[str] | None = None) -> int:
    """Runs one verb; returns its exit status: 0, 1 for bad input or any other error, 130 for Ctrl-C.

    An unexpected error is one sentence too. Its traceback is shown with --debug, or where the environment has
    VISTOK_DEBUG, as the workflow's jobs have: nobody should have to rerun a job to see more.
    """
    words = sys.argv[1:] if arguments is None else arguments
    debug = DEBUG in words or bool(os.environ.get("VISTOK_DEBUG"))
    words = [word for word in words if word != DEBUG]
    signal.signal(signal.SIGTERM, _end)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
        signal.signal(signal.SIGHUP, _end)
    try:
        args = parse(words)
        status = int(args.do(args) or 0)
        flush_output()
        return status
    except VistokError as error:
        print(f"vistok: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # as of `vistok plan | head`
        return 1
    except Exception as error:
        if debug:
            traceback.print_exc()
        print(f"vistok: {sentence(error, extra=EXTRAS.get(words[0], 'study'))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("vistok: interrupted; nothing is half-written, start the same command again.", file=sys.stderr)
        return INTERRUPTED


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """Exits cleanly when asked to stop, so that no staged file is left behind; once, however often it is asked."""
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)
