"""`python -m calibench`: the same as the program `calibench`."""

from calibench.cli.app import main

if __name__ == "__main__":
    main()
