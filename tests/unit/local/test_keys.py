"""The secret of a run stands in one file, for its user only."""

import os
import subprocess
from pathlib import Path

from app.local.doors import keys


def test_a_secret_is_new_each_time() -> None:
    assert keys.new_credentials() != keys.new_credentials()
    assert len(keys.new_credentials()["AWS_SECRET_ACCESS_KEY"]) == 40


def test_the_file_is_read_by_its_user_only_whatever_was_there(tmp_path: Path) -> None:
    (tmp_path / keys.FILE).touch(0o666)
    before = os.umask(0)
    try:
        keys.write(tmp_path, {"AWS_SECRET_ACCESS_KEY": "s"})
    finally:
        os.umask(before)

    assert (tmp_path / keys.FILE).stat().st_mode & 0o777 == 0o600


def test_what_is_written_is_read_again_here_and_by_a_shell(tmp_path: Path) -> None:
    given = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_SECRET_ACCESS_KEY": "a 'b' $HOME"}
    keys.write(tmp_path, given)
    shell = subprocess.run(
        ["sh", "-c", f'. "{tmp_path / keys.FILE}"; printf %s "$AWS_SECRET_ACCESS_KEY"'],
        capture_output=True,
        text=True,
        check=True,
    )

    assert keys.read(tmp_path) == given
    assert shell.stdout == "a 'b' $HOME"
    keys.forget(tmp_path)
    assert keys.read(tmp_path) == {}
