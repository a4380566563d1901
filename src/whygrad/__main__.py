"""`python -m whygrad` is the command `whygrad`."""

from .cli import main

main()
