"""`python -m kalends.cli` is the `kalends` command."""

from kalends.cli import main

main()
