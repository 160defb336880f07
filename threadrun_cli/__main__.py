"""Runs the command, also where it is not installed: `python -m threadrun_cli`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; says how to install it where only the layer's own packages are there."""
    try:
        from threadrun_cli.commands import app
    except ModuleNotFoundError as error:
        sys.exit(f"{error.name} is not installed: install the command as threadrun[cli], docs/command.md says how")
    app()


if __name__ == "__main__":
    main()
