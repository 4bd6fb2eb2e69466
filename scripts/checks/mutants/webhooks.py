"""Controls that keep webhooks outside, and what a receiver can do to the sender small."""

from scripts.checks.mutants.row import Row

ENDPOINTS = "app/domain/webhooks/endpoints.py"
INSIDE = "tests/unit/sender/test_no_way_inside.py::"
SEND = "app/sender/send.py"
SENT = "tests/unit/sender/test_send.py::"
WRITTEN = (INSIDE + "test_a_url_that_leads_inside_is_not_even_resolved",)
RESOLVED = (INSIDE + "test_a_name_that_leads_inside_is_not_connected_to",)

ROWS = (
    Row(
        "a webhook's address has no zone",
        ENDPOINTS,
        "        if address.scope_id is not None:\n",
        "        if address is None:\n",
        RESOLVED,
    ),
    Row(
        "a webhook's address of 6to4 leads outside",
        ENDPOINTS,
        "return address.ipv4_mapped or address.sixtofour",
        "return address.ipv4_mapped",
        RESOLVED,
    ),
    Row(
        "a webhook's IPv4 address in IPv6 is outside",
        ENDPOINTS,
        "            return is_public(inner)\n",
        "            return True\n",
        RESOLVED,
    ),
    Row(
        "a webhook's IPv6 address is global unicast",
        ENDPOINTS,
        "        if address not in GLOBAL_UNICAST:\n",
        "        if address is None:\n",
        RESOLVED,
    ),
    Row(
        "a webhook's address is global",
        ENDPOINTS,
        "return address.is_global and not any(",
        "return not any(",
        RESOLVED,
    ),
    Row(
        "a webhook's address is none of special use",
        ENDPOINTS,
        "return address.is_global and not any(address in network for network in NOT_PUBLIC)",
        "return address.is_global",
        RESOLVED,
    ),
    Row(
        "each address of a webhook's name is checked",
        ENDPOINTS,
        "    for address in addresses:\n",
        "    for address in addresses[:1]:\n",
        RESOLVED,
    ),
    Row(
        "a webhook's name is resolved once",
        "app/sender/connect.py",
        "plain = self._connect(address, endpoint.port, watchdog.seconds_left())",
        "address = self._resolve(endpoint.host, endpoint.port)[0]\n"
        "        plain = self._connect(address, endpoint.port, watchdog.seconds_left())",
        (INSIDE + "test_what_was_checked_is_connected_to_although_the_name_moves_inside",),
    ),
    Row(
        "a webhook goes by HTTPS",
        ENDPOINTS,
        'if scheme != "https" and not reach.is_local:',
        "if not scheme:",
        WRITTEN,
    ),
    Row(
        "a webhook's written address is outside",
        ENDPOINTS,
        "            reach.refuse_address(IPv4Address(host))\n",
        "            IPv4Address(host)\n",
        WRITTEN,
    ),
    Row(
        "a webhook does not reach Wharf's own ports",
        ENDPOINTS,
        "        reach.refuse_port(port)\n",
        "",
        (INSIDE + "test_the_local_runtime_reaches_neither_itself_nor_other_machines_inside",),
    ),
    Row(
        "TLS of a webhook is verified by its name",
        "app/sender/connect.py",
        "server_hostname=endpoint.host,",
        "server_hostname=plain.getpeername()[0],",
        (SENT + "test_tls_is_verified_against_the_name_of_the_url",),
    ),
    Row(
        "the rest of a webhook's answer is not read",
        SEND,
        "response.read(ANSWER_BYTES)",
        "response.read()",
        (SENT + "test_the_rest_of_an_answer_is_not_read",),
    ),
    Row(
        "a webhook's answer that was cut off is none",
        SEND,
        "    watchdog.seconds_left()  # an answer that the watchdog cut off looks like a whole one\n",
        "",
        (SENT + "test_whatever_a_server_drips_the_attempt_ends_at_its_deadline",),
    ),
    Row(
        "what a webhook is sent is signed",
        SEND,
        "Signer(secret.text).sign(delivery.event_id, at, text)",
        'Signer(secret.text).sign(delivery.event_id, at, "")',
        (SENT + "test_the_receiver_gets_the_event_signed",),
    ),
    Row(
        "each living secret of a webhook signs",
        SEND,
        "for secret in webhook.living_secrets(at)",
        "for secret in webhook.living_secrets(at)[:1]",
        (
            SENT + "test_every_secret_that_is_alive_signs",
            "tests/unit/sender/test_endpoints.py::test_a_rotation_whose_reply_got_lost_loses_no_verification",
        ),
    ),
    Row(
        "a webhook's answer is in no representation",
        "app/domain/webhooks/deliveries.py",
        '    answer: str = field(default="", repr=False)\n',
        '    answer: str = ""\n',
        (SENT + "test_the_beginning_of_an_answer_is_kept_as_text",),
    ),
    Row(
        "a webhook's secret is in no representation",
        "app/domain/webhooks/webhook.py",
        "    text: str = field(repr=False)\n",
        "    text: str\n",
        ("tests/unit/sender/test_endpoints.py::test_a_secret_is_in_no_representation",),
    ),
)
