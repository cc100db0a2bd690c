"""``python -m diffbench``: the command line without the script."""

from diffbench.cli import main

if __name__ == "__main__":
    main()
