"""`python -m harness`: the command line without its installed script."""

from harness.cli import main

if __name__ == "__main__":
    main()
