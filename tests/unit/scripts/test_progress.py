"""The first installation shows what it fetches, how large it is, and when it unpacks it."""

from scripts.build.progress import packages_of, shown

SAID = """\
Collecting boto3==1.43.0 (from -r requirements/local.txt (line 1))
  Downloading boto3-1.43.0-py3-none-any.whl.metadata (6.7 kB)
  Downloading boto3-1.43.0-py3-none-any.whl (140 kB)
Collecting botocore==1.43.106 (from -r requirements/local.txt (line 4))
  Downloading botocore-1.43.106-py3-none-any.whl (14.9 MB)
     ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 14.9/14.9 MB 40.1 MB/s eta 0:00:00
Collecting duckdb==2.0.0 (from -r requirements/local.txt (line 9))
  Using cached duckdb-2.0.0-cp311-cp311-manylinux_2_28_x86_64.whl (21.0 MB)
Installing collected packages: boto3, botocore, duckdb
Successfully installed boto3-1.43.0 botocore-1.43.106 duckdb-2.0.0
"""
LOCK = """\
boto3==1.43.0 \\
    --hash=sha256:00
botocore[crt]==1.43.106 ; sys_platform == 'linux' \\
    --hash=sha256:00
"""


def test_large_files_are_shown_with_their_size_and_their_place_among_all() -> None:
    assert list(shown(SAID.splitlines(), 3)) == [
        "    2 of 3: botocore-1.43.106-py3-none-any.whl (14.9 MB)",
        "    3 of 3: duckdb-2.0.0-cp311-cp311-manylinux_2_28_x86_64.whl (21.0 MB)",
        "  All 3 packages are here. To unpack them takes a while.",
    ]


def test_packages_in_a_folder_of_this_machine_count_too() -> None:
    said = SAID.replace("Collecting boto3==1.43.0", "Processing ./wheels/boto3-1.43.0-py3-none-any.whl")

    assert list(shown(said.splitlines(), 3)) == list(shown(SAID.splitlines(), 3))


def test_the_packages_of_a_lock_are_counted() -> None:
    assert packages_of(LOCK) == 2
