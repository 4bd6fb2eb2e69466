"""Controls of the doors before the emulator and the API on one machine."""

from scripts.checks.mutants.row import Row

DOORS = "app/local/doors/"
SIGNATURES = ("tests/unit/local/test_signatures.py",)
MACHINE = ("tests/unit/local/test_machine.py",)
SETTINGS = ("tests/unit/local/test_settings.py",)
DISK = ("tests/unit/local/test_disk.py",)
PAGES = "tests/system/test_aws_door.py::TestPages::"
SIGNED = "tests/system/test_aws_door.py::TestSignatures::"

ROWS = (
    Row(
        "the signature is compared",
        DOORS + "signatures.py",
        "if not hmac.compare_digest(_signature(request, claim, credentials, body), claim.signature):",
        "if _signature(request, claim, credentials, body) is None:",
        SIGNATURES,
    ),
    Row(
        "the key is the one of this run",
        DOORS + "signatures.py",
        "if claim.scope[0] != credentials.access_key:",
        "if not claim.scope[0]:",
        SIGNATURES,
    ),
    Row(
        "what matters is signed",
        DOORS + "signatures.py",
        "if matters and name not in claim.signed:",
        "if matters and not claim.signed:",
        SIGNATURES,
    ),
    Row(
        "the target is what the signer sees",
        DOORS + "signatures.py",
        'SIGNABLE = re.compile(r"/[!-\\"$-~]*")',
        'SIGNABLE = re.compile(r"/.*", re.DOTALL)',
        (SIGNED + "test_the_target_is_what_was_signed_to_the_last_character",),
    ),
    Row(
        "a request is signed once",
        DOORS + "signatures.py",
        "if in_query == in_headers:",
        "if not in_query and not in_headers:",
        SIGNATURES,
    ),
    Row(
        "only presigned URLs leave the body unsigned",
        DOORS + "signatures.py",
        "if digest is not None and not SHA256.fullmatch(digest):",
        "if digest is not None and not digest:",
        SIGNATURES,
    ),
    Row(
        "only URLs of S3 are presigned",
        DOORS + "signatures.py",
        'if claim.is_presigned and claim.service != "s3":',
        "if claim.is_presigned and not claim.service:",
        SIGNATURES,
    ),
    Row(
        "a signature ends",
        DOORS + "signatures.py",
        "    _check_time(claim, now)\n",
        "",
        SIGNATURES,
    ),
    Row(
        "a presigned URL lasts a week at most",
        DOORS + "signatures.py",
        "claim.lasts > LONGEST or now",
        "now",
        SIGNATURES,
    ),
    Row(
        "the body is the one that was signed",
        DOORS + "aws_door.py",
        'if not message.get("more_body", False) and self._hash.hexdigest() != self._wanted:',
        'if not message.get("more_body", False) and self._wanted is None:',
        (SIGNED + "test_a_body_other_than_signed_is_not_stored",),
    ),
    Row(
        "the emulator answers to names of this machine",
        DOORS + "aws_door.py",
        'if not self.machine.is_meant_by(request.headers.get("host", ""), address):',
        'if not request.headers.get("host", ""):',
        (PAGES + "test_a_name_of_another_machine_is_refused_signed_or_not",),
    ),
    Row(
        "pages use presigned URLs only",
        DOORS + "aws_door.py",
        "if origin is not None and not (is_presigned and self.pages.may_send(origin)):",
        "if origin is not None and not self.pages.may_send(origin):",
        (
            PAGES + "test_a_page_that_is_named_still_needs_a_signature",
            PAGES + "test_what_is_not_signed_gets_in_nowhere",
        ),
    ),
    Row(
        "preflights are for pages",
        DOORS + "aws_door.py",
        'if request.method == "OPTIONS" and origin is None:',
        'if request.method == "OPTIONS" and origin == "":',
        (PAGES + "test_what_is_not_signed_gets_in_nowhere",),
    ),
    Row(
        "the emulator has no websocket",
        DOORS + "aws_door.py",
        'if scope["type"] == "websocket":',
        'if scope["type"] == "no websocket":',
        (PAGES + "test_the_emulator_never_sees_one",),
    ),
    Row(
        "what decides is there once",
        DOORS + "aws_door.py",
        'if name in headers and (name in SINGLE or name.startswith("x-amz-")):',
        'if name in headers and name.startswith("x-amz-"):',
        (SIGNED + "test_what_decides_is_there_once",),
    ),
    Row(
        "a name of another machine is not loopback",
        DOORS + "machine.py",
        "return ip_address(name).is_loopback",
        "return bool(ip_address(name))",
        MACHINE,
    ),
    Row(
        "a port is a number",
        DOORS + "machine.py",
        'return re.fullmatch(rf"{re.escape(base)}(?::[0-9]{{1,5}})?", origin) is not None',
        "return origin.startswith(base)",
        MACHINE,
    ),
    Row(
        "the API answers to names of this machine",
        DOORS + "api_door.py",
        'if len(headers.getlist("host")) != 1 or not self.machine.is_meant_by(host, address):',
        'if len(headers.getlist("host")) != 1:',
        ("tests/system/test_api_door.py::test_a_name_of_another_machine_is_answered_by_nothing",),
    ),
    Row(
        "foreign pages do not call the API",
        DOORS + "api_door.py",
        "if origin is not None and not is_own and not self.pages.may_send(origin):",
        "if origin is not None and not is_own and not origin:",
        ("tests/system/test_api_door.py::test_a_foreign_page_is_refused_whatever_it_asks",),
    ),
    Row(
        "the secret is new at each start",
        DOORS + "keys.py",
        '"AWS_SECRET_ACCESS_KEY": secrets.token_hex(20)}',
        '"AWS_SECRET_ACCESS_KEY": KEY_ID}',
        ("tests/unit/local/test_keys.py",),
    ),
    Row(
        "only the user reads the secret",
        DOORS + "keys.py",
        "os.O_EXCL, 0o600)",
        "os.O_EXCL, 0o644)",
        ("tests/unit/local/test_keys.py",),
    ),
    Row(
        "an upload has room",
        DOORS + "disk.py",
        "if needed > (space.for_uploads if is_upload else space.for_artifacts):",
        "if needed < 0:",
        DISK,
    ),
    Row(
        "uploads at once share the room",
        DOORS + "disk.py",
        "        self.coming += needed\n",
        "",
        DISK,
    ),
    Row(
        "the table keeps room to be written",
        DOORS + "disk.py",
        "COPIES_OF_THE_STATE = 2",
        "COPIES_OF_THE_STATE = 0",
        DISK,
    ),
    Row(
        "a misspelt setting is refused",
        "app/local/settings.py",
        "    refuse_misspelt(environment)\n",
        "",
        SETTINGS,
    ),
    Row(
        "PUBLIC_S3_URL is a scheme and a host",
        "app/local/settings.py",
        "if url is not None and not _is_base(url):",
        "if url is not None and not url:",
        SETTINGS,
    ),
    Row(
        "CORS_ORIGINS are origins",
        "app/local/settings.py",
        'if origin != "*" and not ORIGIN.fullmatch(origin):',
        "if not origin:",
        SETTINGS,
    ),
    Row(
        "by default the pages of this machine may call",
        "app/local/settings.py",
        'environment.setdefault("CORS_ORIGINS", OWN_ORIGINS)',
        'environment.setdefault("CORS_ORIGINS", "*")',
        SETTINGS,
    ),
    Row(
        "no owner has more than a few of the workers",
        "app/local/runtime.py",
        "Turns(WORKERS_OF_ONE_OWNER)",
        "Turns(WORKERS)",
        ("tests/system/test_fairness.py",),
    ),
    Row(
        "no payload waits for a sandbox to start",
        "app/local/runtime.py",
        'threads.append(_thread(lambda: start_sandboxes(stopping), "sandboxes"))',
        "",
        ("tests/system/test_fairness.py::test_each_worker_has_a_sandbox_before_a_payload_needs_it",),
    ),
)
