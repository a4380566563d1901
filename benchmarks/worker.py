"""A process that holds one object and does what it is told; see `process` for the other end.

Questions and answers are pickles on its input and output: a method of the object and its arguments,
and what that gives back or the exception it raises.
"""

from __future__ import annotations

import os
import pickle
import sys
import traceback

from .errors import Unable, WorkerError


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get among the answers
    kind, arguments = pickle.load(sys.stdin.buffer)
    held = kind(*arguments)
    while True:
        try:
            method, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer = getattr(held, method)(*arguments)
        except Unable as error:
            answer = error
        except Exception:
            answer = WorkerError(traceback.format_exc())
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
