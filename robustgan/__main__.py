"""`python -m robustgan`."""

from robustgan.cli import main

main()
