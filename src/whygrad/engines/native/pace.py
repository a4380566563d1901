"""In how many threads to go on: in as many as have lately taken the least time for a step.

What threads cost each other depends on where the machine has put them: a line of memory takes five
times as long from one group of cores to another as inside of a group, and the cores of a virtual
machine wander. The results do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

WARM = 8
"""So many steps are taken first, to see how long one takes."""

TRIAL = 0.0025
"""For so many seconds a number of threads is tried."""

EVERY = 1.0
"""After so many seconds there is a trial again."""


class Pace:
    """Chooses the number of threads for a step of some sizes, from `least` on and up to `most`.

    A trial times the present number and another: twice or half as many, in turn. Where so few
    steps are taken at a time that this would not tell, there is none.
    """

    def __init__(self, least: int, most: int, clock: Callable[[], float] = perf_counter) -> None:
        self.threads, self.least, self.most, self._clock = least, least, most, clock
        self._start = self._due = self._step = 0.0
        self._cold = WARM
        self._waiting: list[int] = []
        self._tries = False
        self._found: dict[int, float] = {}
        self._upwards = False

    def next(self, left: int) -> tuple[int, int]:
        """In how many threads to take how many of the steps that are left."""
        if self.least == self.most:
            return self.threads, left
        self._start = self._clock()
        if self._cold:
            return self.threads, min(left, self._cold)
        enough = self._steps(TRIAL)
        self._tries = self._start >= self._due and left >= enough
        if not self._tries:
            self._waiting = []
            return self.threads, min(left, self._steps(max(TRIAL, self._due - self._start)))
        if not self._waiting:
            other = self._other()
            self._waiting = [other, self.threads, other]  # the first time it has to warm up
            self._found = {}
        return self._waiting[0], enough

    def note(self, count: int) -> None:
        """Take in that so many steps were taken since `next`."""
        if self.least == self.most:
            return
        now = self._clock()
        self._step = (now - self._start) / count
        self._cold = max(0, self._cold - count)
        if self._tries:
            self._found[self._waiting.pop(0)] = self._step
            if not self._waiting:
                self.threads = min(self._found, key=self._found.__getitem__)
                self._step = self._found[self.threads]
                self._due = now + EVERY

    def _steps(self, seconds: float) -> int:
        return max(1, int(seconds / self._step))

    def _other(self) -> int:
        """The number to compare with."""
        can_fall, can_rise = self.threads > self.least, self.threads < self.most
        self._upwards = can_rise and not (can_fall and self._upwards)
        if self._upwards:
            return min(self.most, 2 * self.threads)
        return max(self.least, self.threads // 2)
