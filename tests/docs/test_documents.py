"""Every output in the documents is what the code prints: `make docs` writes it anew."""

import re

import pytest
from tests.docs.blocks import DOCUMENTS, ROOT, refreshed


@pytest.mark.parametrize("name", DOCUMENTS)
def test_output_in_a_document_is_what_the_code_prints(name: str) -> None:
    document = (ROOT / name).read_text(encoding="utf-8")
    assert refreshed(document) == document


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_files(name: str) -> None:
    path = ROOT / name
    prose = re.sub(r"```.*?```|`[^`]*`|^    .*?$", "", path.read_text("utf-8"), flags=re.S | re.M)
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", prose)
    assert [t for t in targets if not (path.parent / t).exists()] == []


def test_wrong_output_is_put_right() -> None:
    document = "```python\nprint(2 + 2)\n```\n\n```text\n5\n```\n\n```console\n$ echo 4\n5\n```\n"
    assert refreshed(document) == document.replace("5", "4")


def test_text_that_follows_no_code_is_left_alone() -> None:
    document = "```python\nx = 1\n```\nand\n```text\n5\n```\n"
    assert refreshed(document) == document
