"""Controls that protect the user of a client: the credentials, the terminal, the files."""

from scripts.checks.mutants.row import Row

CLIENT = "clients/python/wharf_client/"
TESTS = "tests/clients/"

ROWS = (
    Row(
        "storage gets no credentials",
        CLIENT + "client.py",
        "self._storage = httpx2.Client(",
        "self._storage = httpx2.Client(headers=self._api.headers, ",
        (TESTS + "test_uploads.py::test_storage_gets_no_credentials",),
    ),
    Row(
        "a create is repeated with one key",
        CLIENT + "flows/objects.py",
        '{"Idempotency-Key": key or str(uuid4())}',
        '{"Idempotency-Key": "always"}',
        (TESTS + "test_retries.py::test_two_creates_have_two_keys_unless_one_is_given",),
    ),
    Row(
        "a download is compared with its SHA-256",
        CLIENT + "flows/downloads.py",
        'if found != expected["sha256"]:',
        "if not found:",
        (TESTS + "test_downloads.py::test_other_bytes_than_declared_are_not_kept",),
    ),
    Row(
        "a terminal obeys nothing that others wrote",
        CLIENT + "cli/screen.py",
        'INVISIBLE = {"Cc", "Cf", "Zl", "Zp"}',
        "INVISIBLE = set[str]()",
        (TESTS + "test_command_line.py::test_what_others_wrote_cannot_steer_a_terminal",),
    ),
    Row(
        "an object's name is not a path",
        CLIENT + "cli/commands.py",
        '.name.lstrip(".")',
        ".as_posix()",
        (TESTS + "test_command_line.py::test_an_object_is_saved_in_this_folder_whatever_its_name",),
    ),
)
