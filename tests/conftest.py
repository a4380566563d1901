"""Tests keep no compiled programs where the user's are."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before = os.environ.get("WHYGRAD_CACHE")
    os.environ["WHYGRAD_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["WHYGRAD_CACHE"]
    else:
        os.environ["WHYGRAD_CACHE"] = before
