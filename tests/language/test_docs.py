"""Every example of docs/language.md is run, and every word of the language stands there."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from tests.docs.blocks import ROOT, refreshed

from whygrad.errors import LanguageError
from whygrad.language.checking import DISTRIBUTIONS, INITIALISERS
from whygrad.language.functions import ALIASES, FUNCTIONS, REDUCTIONS, RESERVED
from whygrad.language.parsing import parse

DOCUMENT = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")

# Each block with what stands between it and the one before it.
BLOCKS = re.findall(r"(?:^|(?<=```\n))(.*?)^```(\w+)\n(.*?)^```$\n", DOCUMENT, re.M | re.S)
NETWORKS = [
    (body, following[2] if following[1] == "text" and not following[0].strip() else None)
    for (_, kind, body), following in pairwise([*BLOCKS, ("", "", "")])
    if kind == "wg"
]


def test_the_document_is_read_whole() -> None:
    assert len(BLOCKS) == DOCUMENT.count("\n```") // 2
    assert sum(error is not None for _, error in NETWORKS) >= 8


@pytest.mark.parametrize("text", [text for text, error in NETWORKS if error is None])
def test_a_network_of_the_document_is_one_and_reads_back(text: str) -> None:
    system = parse(text)
    assert parse(str(system)) == system


@pytest.mark.parametrize(("text", "error"), [pair for pair in NETWORKS if pair[1] is not None])
def test_an_error_of_the_document_is_what_is_said(text: str, error: str) -> None:
    with pytest.raises(LanguageError) as caught:
        parse(text)
    assert f"{caught.value}\n" == error


def test_python_in_the_document_prints_what_stands_there() -> None:
    assert refreshed(DOCUMENT) == DOCUMENT


def test_every_word_of_the_language_is_explained() -> None:
    code = " ".join(re.findall(r"`+(.*?)`+", DOCUMENT, re.S))
    known = RESERVED | set(FUNCTIONS) | set(REDUCTIONS) | set(INITIALISERS) | set(DISTRIBUTIONS)
    missing = [w for w in [*known, *ALIASES] if not re.search(rf"(?<!\w){w}(?!\w)", code)]
    assert missing == []
