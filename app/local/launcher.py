"""Runs the emulator in a process of its own, which ends when the process that started it is gone.

This file is run as a script, with the read end of a pipe as standard input. The
pipe closes however the starting process ends, also by SIGKILL; then the emulator
saves its state and ends, as after SIGTERM.
"""

import os
import signal
import sys
import threading

from ministack.app import main as serve


def stop_at_end_of_input() -> None:
    # Reading sys.stdin would hold its lock, which would abort the interpreter's exit.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    threading.Thread(target=stop_at_end_of_input, daemon=True).start()
    sys.argv = ["ministack"]
    serve()


if __name__ == "__main__":
    main()
