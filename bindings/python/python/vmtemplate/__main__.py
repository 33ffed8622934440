"""The command `vmtemplate`, as `python -m vmtemplate`."""

from __future__ import annotations

import sys

from ._native import run_command


def main() -> int:
    """Run the command with the arguments of this process."""
    return run_command(["vmtemplate", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
