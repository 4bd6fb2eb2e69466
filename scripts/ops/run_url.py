"""Print the URL of the run that uses a data folder: `python -m scripts.ops.run_url`."""

import argparse
import os
import sys
from pathlib import Path

from app.local import running
from app.local.errors import CannotStart


def main() -> None:
    parser = argparse.ArgumentParser("python -m scripts.ops.run_url", description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("DATA_DIR", ".local"))
    try:
        print(running.find(parser.parse_args().data_dir).api_url)
    except CannotStart as fault:
        sys.exit(f"wharf: {fault}")


if __name__ == "__main__":
    main()
