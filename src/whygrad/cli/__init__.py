"""The command line: from a table to a trained model, and the reasons for its derivatives."""

import sys

INTERRUPTED = 130  # the exit code of what Ctrl-C ended


def main() -> None:
    """Run the command line. What it takes is imported here, where Ctrl-C is expected."""
    try:
        from .app import run

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


__all__ = ["main"]
