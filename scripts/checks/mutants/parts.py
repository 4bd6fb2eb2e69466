"""Controls that keep an upload in parts whole."""

from scripts.checks.mutants.row import Row

DOMAIN = "app/domain/objects/stored.py"
PARTS = "app/services/objects/parts.py"
OF_PARTS = "tests/unit/domain/test_parts.py::"
OF_UPLOADS = "tests/unit/services/objects/test_parts.py::"

ROWS = (
    Row(
        "a part of another length counts as missing",
        "app/domain/objects/values.py",
        "part.number <= self.count and part.size == self.length(part.number)",
        "part.number <= self.count",
        (
            f"{OF_PARTS}test_a_part_of_another_length_or_number_counts_as_missing",
            f"{OF_UPLOADS}TestCompleting::test_a_part_of_another_length_is_missing",
        ),
    ),
    Row(
        "a part's URL takes exactly its length",
        "app/storage/parts.py",
        '            "ContentLength": size,\n',
        "",
        ("tests/contracts/test_parts_store.py::TestUrls::test_a_part_other_than_signed_is_refused",),
    ),
    Row(
        "an upload is not complete while a part is missing",
        PARTS,
        "                    self._check_complete(stored, plan, key)\n",
        "",
        (f"{OF_UPLOADS}TestCompleting::test_missing_parts_are_named_up_to_a_hundred",),
    ),
    Row(
        "nothing is signed while the parts are put together",
        PARTS,
        "if stored.is_completing:\n            raise WrongState",
        "if False:\n            raise WrongState",
        (f"{OF_UPLOADS}TestSigning::test_nothing_is_signed_while_the_parts_are_put_together",),
    ),
    Row(
        "of two clients that begin at once, one drops its own upload",
        PARTS,
        "            drop_parts(self._parts, begun)\n            raise",
        "            raise",
        (f"{OF_UPLOADS}TestSigning::test_of_two_that_begin_at_once_one_takes_the_others",),
    ),
    Row(
        "only an upload in parts is given up",
        DOMAIN,
        'self._require_parts("cancel the upload")',
        "pass",
        (f"{OF_PARTS}test_only_what_is_awaited_in_parts_has_these_steps",),
    ),
    Row(
        "an upload that was put together is not given up",
        PARTS,
        "if self._payloads.exists(key):\n                    raise",
        "if False:\n                    raise",
        (f"{OF_UPLOADS}TestGivingUp::test_what_is_there_already_is_processed",),
    ),
    Row(
        "a request that ends an upload in parts drops them",
        "app/services/objects/editing.py",
        "if after.parts_upload is None:",
        "if False:",
        (f"{OF_UPLOADS}test_whoever_ends_the_wait_drops_the_parts",),
    ),
    Row(
        "the parts are dropped after the record says so",
        "app/services/objects/editing.py",
        "if after is stored:",
        "drop_parts(self._parts, stored)\n            if after is stored:",
        ("tests/unit/services/objects/test_races_of_parts.py",),
    ),
    Row(
        "an upload that expires drops its parts",
        "app/services/background/sweeping.py",
        "                drop_parts(self._parts, stored)\n",
        "",
        (f"{OF_UPLOADS}TestSwept::test_an_upload_that_was_not_made_expires_and_its_parts_go",),
    ),
    Row(
        "an inline payload ends an upload in parts",
        "app/services/objects/editing.py",
        "stored.status is Status.EXPIRED or stored.awaits_parts",
        "stored.status is Status.EXPIRED",
        (f"{OF_UPLOADS}test_the_same_bytes_inline_do_not_slip_below_an_upload_in_parts",),
    ),
    Row(
        "a tombstone waits for a worker that may be putting parts together",
        DOMAIN,
        "seconds = COMPLETION_SECONDS if self.is_completing else 0",
        "seconds = 0",
        (f"{OF_PARTS}test_a_tombstone_waits_for_a_worker_that_may_be_completing",),
    ),
    Row(
        "the worker puts nothing together while a part is missing",
        "app/services/background/completing.py",
        " and not plan.missing(listed)",
        "",
        (f"{OF_UPLOADS}TestCompleting::test_nothing_is_put_together_while_a_part_is_of_another_length",),
    ),
)
