"""Controls of the calls to DynamoDB that do without botocore."""

from scripts.checks.mutants.row import Row

CLIENT = "app/aws/dynamodb.py"
CONNECTIONS = "app/aws/connections.py"
TESTS = "tests/unit/aws/test_dynamodb.py::"
LIKE_BOTOCORE = f"{TESTS}test_an_answer_means_what_it_means_to_botocore"

ROWS = (
    Row(
        "only a host that an authority vouches for is asked",
        CONNECTIONS,
        "return ssl.create_default_context(cafile=",
        "return ssl._create_unverified_context(cafile=",
        (
            f"{TESTS}TestTls::test_one_that_no_authority_vouches_for_is_not",
            f"{TESTS}TestTls::test_one_with_the_certificate_of_another_is_not",
        ),
    ),
    Row(
        "what is signed is what is sent",
        "app/aws/signature.py",
        "sha256(body).hexdigest()",
        "sha256(b'').hexdigest()",
        ("tests/unit/aws/test_signature.py",),
    ),
    Row(
        "an answer whose bytes changed on the way is not believed",
        CLIENT,
        'if answer.headers.get("x-amz-crc32") not in (None, str(zlib.crc32(content))):',
        "if zlib.crc32(content) < 0:",
        (f"{TESTS}test_an_answer_that_stays_broken_is_not_believed",),
    ),
    Row(
        "a call that may pass is repeated",
        CLIENT,
        "if retries == MOST_RETRIES or not _may_pass(fault):",
        "if fault:",
        (f"{LIKE_BOTOCORE}[no server]", f"{LIKE_BOTOCORE}[too many calls]"),
    ),
    Row(
        "a call that cannot pass is not repeated",
        CLIENT,
        "if retries == MOST_RETRIES or not _may_pass(fault):",
        "if retries == MOST_RETRIES:",
        (f"{LIKE_BOTOCORE}[a failed condition]", f"{LIKE_BOTOCORE}[a denied call]"),
    ),
    Row(
        "a repetition of a transaction is known by its token",
        CLIENT,
        "ClientRequestToken=str(uuid4()), ",
        "",
        (f"{TESTS}test_a_repetition_of_a_transaction_is_known_by_its_token",),
    ),
    Row(
        "a connection that has ended is not tried",
        CONNECTIONS,
        "if not waiting.poll(0):",
        "if connection:",
        (f"{TESTS}TestConnections::test_one_that_has_ended_meanwhile_is_not_tried",),
    ),
    Row(
        "no key adds a line to the head of a request",
        CLIENT,
        'KEYS = re.compile(r"[!-~]+ [!-~]+ [!-~]*")',
        'KEYS = re.compile(r"(?s).+ .+ .*")',
        (f"{TESTS}TestTheEnvironment::test_no_key_ends_the_head_of_a_request",),
    ),
    Row(
        "settings that only botocore knows lead to botocore",
        CLIENT,
        " or any(given.get(name) for name in FOR_BOTOCORE)",
        "",
        (f"{TESTS}TestTheEnvironment::test_what_only_botocore_knows_is_left_to_it",),
    ),
)
