"""Write into the documents what their commands and examples print now: `make docs`."""

from tests.docs.blocks import DOCUMENTS, ROOT, refreshed


def main() -> None:
    """Rewrite those documents whose output has changed, and name them."""
    for name in DOCUMENTS:
        path = ROOT / name
        before = path.read_text(encoding="utf-8")
        after = refreshed(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"{name} is updated")


if __name__ == "__main__":
    main()
