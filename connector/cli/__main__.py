"""`python -m connector.cli`, where the command is not on the path."""

from . import main

if __name__ == "__main__":
    main()
