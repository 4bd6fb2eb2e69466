"""Controls of what a browser may do with the console's page."""

from scripts.checks.mutants.row import Row

CONSOLE = "app/api/routes/console.py"
POLICY = (
    "tests/edges/test_console.py::TestThePolicy::"
    "test_it_allows_its_own_files_and_requests_to_the_bucket_and_nothing_else",
)
SIGN_IN = (
    "tests/edges/test_console.py::TestThePolicy::test_with_cognito_requests_may_go_to_its_sign_in_too",
)

#: Directives of the policy that stand alone in a line, with what each keeps out.
DIRECTIVES = {
    "default-src 'none'": "what no other directive names is refused",
    "script-src 'self'": "scripts are files of the service",
    "style-src 'self'": "styles are files of the service",
    "worker-src 'self'": "workers are files of the service",
    "require-trusted-types-for 'script'": "a text cannot become a script",
    "trusted-types wharf": "one policy alone makes the URL of a script",
    "base-uri 'none'": "no element moves the page's links",
    "form-action 'none'": "no form is sent anywhere",
    "frame-ancestors 'none'": "no page frames the console",
}

STORED = "tests/edges/test_console.py::TestTheFiles::test_no_script_makes_a_script_or_markup_of_a_text"

ROWS = (
    Row(
        "the console's secrets end with their tab",
        "app/console/api.js",
        "const read = (name) => sessionStorage.",
        "const read = (name) => localStorage.",
        (STORED,),
    ),
    Row(
        "the console makes no markup of a text",
        "app/console/dom.js",
        "  node.append(...children.flat(9)",
        "  node.innerHTML = String(...children.flat(9)",
        (STORED,),
    ),
    *(
        Row(f"the console's page: {control}", CONSOLE, f'            "{directive}",\n', "", POLICY)
        for directive, control in DIRECTIVES.items()
    ),
    Row(
        "the console's page: pictures come from the service and the bucket",
        CONSOLE,
        "f\"img-src 'self' {bucket_origin}\"",
        '"img-src *"',
        POLICY,
    ),
    Row(
        "the console's page: requests go to the service, the bucket and the sign-in",
        CONSOLE,
        "f\"connect-src 'self' {bucket_origin} {sign_in_url}\".rstrip()",
        '"connect-src *"',
        (*POLICY, *SIGN_IN),
    ),
    Row(
        "the console's page is sent with its policy",
        CONSOLE,
        'headers = {"Content-Security-Policy": allowed, "ETag": tag}',
        'headers = {"ETag": tag} if allowed else {}',
        POLICY,
    ),
)
