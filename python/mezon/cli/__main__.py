"""``python -m mezon.cli`` is ``mezon``."""

from mezon.cli.entry import main

if __name__ == "__main__":
    main()
