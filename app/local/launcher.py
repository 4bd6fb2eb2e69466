"""The emulator's own process: ends itself when the process that started it is gone.

Run as a file, with the read end of a pipe as standard input. The pipe closes
however its other side ends, also by SIGKILL; then the emulator saves its state
and leaves, as after SIGTERM.
"""

import os
import signal
import sys
import threading

from ministack.app import main as serve


def stop_at_end_of_input() -> None:
    # Not sys.stdin: its lock, held here, would abort the interpreter's exit.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    threading.Thread(target=stop_at_end_of_input, daemon=True).start()
    sys.argv = ["ministack"]
    serve()


if __name__ == "__main__":
    main()
