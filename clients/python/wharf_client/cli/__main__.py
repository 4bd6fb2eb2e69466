"""Run a command of `wharf`: one line for an error, and a code that a script can use."""

import sys
from collections.abc import Sequence

from wharf_client.cli.commands import app
from wharf_client.cli.connection import message_of
from wharf_client.cli.exits import code_of
from wharf_client.cli.listening import CannotListen
from wharf_client.cli.screen import say
from wharf_client.errors import WharfError


def main(arguments: Sequence[str] | None = None) -> None:
    try:
        app(arguments, prog_name="wharf")
    except (WharfError, CannotListen, OSError) as fault:
        say(message_of(fault))
        sys.exit(code_of(fault))


if __name__ == "__main__":
    main()
