"""What can go wrong."""


class Unable(Exception):
    """A contender has no means for a workload: it is then a blank."""


class Disagreement(Exception):
    """The weights of a contender are not what the training should give."""


class WorkerError(Exception):
    """An error in a worker's process, with its traceback."""
