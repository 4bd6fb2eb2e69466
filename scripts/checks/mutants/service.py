"""Controls that hold for every caller: owners, bounds, conditions, limits."""

from scripts.checks.mutants.row import Row

CALLER = "app/api/caller.py"
PAYLOADS = "app/storage/payloads.py"
OBJECTS = "app/storage/objects.py"
EXTREMES = ("tests/edges/test_extremes.py::test_what_may_be_repeated_has_a_bound",)
HEADERS = ("tests/edges/test_security_headers.py",)
SIGNED = "tests/contracts/test_payload_store.py::"
WRITERS = "tests/contracts/test_object_repository.py::"

ROWS = (
    Row(
        "no header makes the owner where API Gateway vouches for it",
        CALLER,
        'caller = identity.get("caller")',
        'caller = request.headers.get("x-owner") or identity.get("caller")',
        ("tests/edges/test_caller.py::test_no_forged_header_makes_the_caller_another_principal",),
    ),
    Row(
        "an owner has the form of one",
        CALLER,
        "if owner is None or not OWNER.fullmatch(owner):",
        "if owner is None:",
        ("tests/edges/test_caller.py::test_nobody_else_is_anybody",),
    ),
    Row(
        "an admin is in the group of that name",
        CALLER,
        'is_admin = ADMIN_GROUP in _groups(claims.get("cognito:groups"))',
        'is_admin = ADMIN_GROUP in str(claims.get("cognito:groups"))',
        ("tests/edges/test_caller.py::test_no_other_group_makes_an_admin",),
    ),
    Row(
        "only an admin reads across owners",
        CALLER,
        "if not caller.is_admin:",
        "if not caller.owner:",
        ("tests/edges/test_isolation.py::test_nobody_else_may_and_learns_nothing",),
    ),
    Row(
        "a read across owners is logged",
        CALLER,
        "    if owner != caller.owner:\n        logger.info(",
        "    if owner != caller.owner:\n        logger.debug(",
        ("tests/edges/test_isolation.py::test_an_admins_read_is_of_that_owner_alone_and_leaves_one_line",),
    ),
    Row(
        "every key begins with the owner",
        "app/storage/items.py",
        'return f"{owner}#{object_id}"',
        'return f"#{object_id}"',
        ("tests/edges/test_isolation.py::test_anothers_object_is_answered_exactly_as_an_unknown_id",),
    ),
    Row(
        "a list is of one owner",
        "app/storage/items.py",
        'return "#".join(part for part in (owner, status, str(shard)) if part is not None)',
        'return "#".join(part for part in (status, str(shard)) if part is not None)',
        ("tests/edges/test_isolation.py::test_anothers_objects_are_in_no_list",),
    ),
    Row(
        "a cursor is of its own list",
        "app/services/cursors.py",
        "if encode_cursor(position, scope) != cursor or not of_form.fullmatch(position):",
        "if not of_form.fullmatch(position):",
        ("tests/unit/services/test_cursors.py",),
    ),
    Row(
        "a cursor is of its own owner",
        "app/services/objects/reading.py",
        'scope = ["objects", query.owner, query.kind,',
        'scope = ["objects", query.kind,',
        ("tests/edges/test_isolation.py::test_anothers_cursor_is_answered_as_a_damaged_one",),
    ),
    Row(
        "a presigned upload is written once",
        PAYLOADS,
        '            "IfNoneMatch": "*",\n',
        "",
        (SIGNED + "test_an_upload_without_a_signed_header_is_refused",),
    ),
    Row(
        "a presigned upload has its declared size",
        PAYLOADS,
        '            "ContentLength": revision.size,\n',
        "",
        (SIGNED + "test_an_upload_other_than_signed_is_refused",),
    ),
    Row(
        "a presigned upload has its declared checksum",
        PAYLOADS,
        '            parameters["ChecksumSHA256"] = checksum\n',
        "",
        (SIGNED + "test_an_upload_without_a_signed_header_is_refused",),
    ),
    Row(
        "a presigned upload ends",
        PAYLOADS,
        '"put_object", Params=parameters, ExpiresIn=seconds, HttpMethod="PUT"',
        '"put_object", Params=parameters, ExpiresIn=604_800, HttpMethod="PUT"',
        ("tests/edges/test_short_lived_urls.py",),
    ),
    Row(
        "a download is an attachment",
        PAYLOADS,
        'disposition: str = "attachment"',
        'disposition: str = "inline"',
        (SIGNED + "test_a_download_is_an_attachment_that_is_not_cached",),
    ),
    Row(
        "a create does not replace an object",
        OBJECTS,
        'NOT_THERE_YET = "attribute_not_exists(#pk)"',
        'NOT_THERE_YET = "attribute_not_exists(#pk) OR attribute_exists(#pk)"',
        (WRITERS + "test_a_second_add_returns_what_stands_and_changes_nothing",),
    ),
    Row(
        "a write is on what was read",
        OBJECTS,
        'NOBODY_WROTE_SINCE = "#write_token = :read_token"',
        'NOBODY_WROTE_SINCE = "attribute_exists(#write_token) OR #write_token = :read_token"',
        (WRITERS + "test_the_second_of_two_writers_is_told",),
    ),
    Row(
        "a declared length is bounded",
        "app/api/middleware/body_limit.py",
        "if length.isdecimal() and int(length) > BODY_LIMIT_BYTES:",
        "if length.isdecimal() and int(length) < 0:",
        ("tests/edges/test_objects_over_http.py::test_a_body_that_is_declared_too_large_reaches_nothing",),
    ),
    Row(
        "a body of undeclared length is bounded",
        "app/api/middleware/body_limit.py",
        "if received > BODY_LIMIT_BYTES:",
        "if received < 0:",
        (
            "tests/edges/test_changes_over_http.py::test_a_raw_payload_of_four_mebibytes_is_taken_and_a_byte_more_is_not",
        ),
    ),
    Row(
        "a body has no unknown fields",
        "app/api/schemas/requests.py",
        'model_config = ConfigDict(strict=True, extra="forbid",',
        'model_config = ConfigDict(strict=True, extra="ignore",',
        ("tests/edges/test_strict_bodies.py",),
    ),
    Row(
        "label filters are few",
        "app/api/dependencies.py",
        "LabelFilters = Annotated[list[LabelFilter], Field(max_length=MOST_LABELS)]",
        "LabelFilters = Annotated[list[LabelFilter], Field(max_length=10 * MOST_LABELS)]",
        EXTREMES,
    ),
    Row(
        "a label filter is short",
        "app/api/dependencies.py",
        "LabelFilter = Annotated[str, Field(max_length=LABEL_CHARACTERS),",
        "LabelFilter = Annotated[str,",
        EXTREMES,
    ),
    Row(
        "a cursor is short",
        "app/api/dependencies.py",
        "        max_length=CURSOR_CHARACTERS,\n",
        "",
        EXTREMES,
    ),
    Row(
        "entity tags are few",
        "app/api/http/preconditions.py",
        "if len(tags) > MOST_TAGS:",
        "if len(tags) > 100 * MOST_TAGS:",
        EXTREMES,
    ),
    Row(
        "attributes are small",
        "app/domain/kinds.py",
        "if len(compact_json(attributes).encode()) > ATTRIBUTES_LIMIT_BYTES:",
        "if not compact_json(attributes):",
        ("tests/unit/services/objects/test_creating.py",),
    ),
    Row(
        "an answer is of the type that it says",
        "app/api/middleware/security_headers.py",
        '    "x-content-type-options": "nosniff",\n',
        "",
        HEADERS,
    ),
    Row(
        "an answer is in no frame and loads nothing",
        "app/api/middleware/security_headers.py",
        "NOTHING = \"default-src 'none'; frame-ancestors 'none'\"",
        "NOTHING = \"default-src 'self'; frame-ancestors 'self'\"",
        HEADERS,
    ),
    Row(
        "only HTTPS behind API Gateway",
        "app/api/middleware/security_headers.py",
        'headers = self._deployed if "aws.event" in scope else self._local',
        "headers = self._local",
        HEADERS,
    ),
    Row(
        "only named pages call the API",
        "app/api/middleware/cors.py",
        "allow_origins=[one for one in allowed if not one.endswith(ANY_PORT)],",
        'allow_origins=["*"],',
        ("tests/edges/test_cors.py",),
    ),
    Row(
        "an owner uses no more than the limit",
        "app/domain/usage.py",
        "if limit is not None and more > 0 and so_far + more > limit:",
        "if limit is not None and more > 0 and so_far > limit:",
        ("tests/unit/services/test_limits.py",),
    ),
    Row(
        "an object has no more versions than can be purged",
        "app/domain/objects/stored.py",
        "if self.version >= LAST_CLIENT_VERSION:",
        "if self.version < 0:",
        ("tests/unit/domain/test_transitions.py",),
    ),
    Row(
        "only a tombstone is purged",
        "app/services/background/purging.py",
        "if stored is None or stored.status is not Status.DELETED:",
        "if stored is None:",
        ("tests/unit/services/background/test_purging.py::test_only_a_tombstone_is_purged",),
    ),
    Row(
        "a payload has its declared size",
        "app/services/background/processing.py",
        "if fetched.size != declared.size:",
        "if fetched.size < 0:",
        (
            "tests/unit/services/background/test_processing.py::test_a_payload_other_than_declared_is_rejected_and_no_processor_sees_it",
        ),
    ),
    Row(
        "a payload has its declared checksum",
        "app/services/background/processing.py",
        "if declared.sha256 is not None and fetched.sha256 != declared.sha256:",
        "if declared.sha256 is None and fetched.sha256 != fetched.sha256:",
        (
            "tests/unit/services/background/test_processing.py::test_a_payload_other_than_declared_is_rejected_and_no_processor_sees_it",
        ),
    ),
    Row(
        "a small payload has little time",
        "app/domain/kinds.py",
        "return min(self.seconds, FIRST_SECONDS + size / ALLOWED_BYTES_PER_SECOND)",
        "return self.seconds",
        ("tests/unit/domain/test_worker_capacity.py",),
    ),
)
