"""Tests keep their compiled programs in one folder for each run, and none where the user's are."""

from tempfile import TemporaryDirectory

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Where tests run in several processes, these come after the first and inherit its folder."""
    if not hasattr(config, "workerinput"):
        folder = TemporaryDirectory(prefix="whygrad-")
        patch = pytest.MonkeyPatch()
        patch.setenv("WHYGRAD_CACHE", folder.name)
        config.add_cleanup(folder.cleanup)
        config.add_cleanup(patch.undo)
