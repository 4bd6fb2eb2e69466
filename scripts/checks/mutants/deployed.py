"""Controls in what is deployed, and in what deploys it: the template, the locks, the workflows."""

from scripts.checks.mutants.row import Row

TEMPLATE = "template.yaml"
OF_TEMPLATE = "tests/infrastructure/test_template.py::"
WORKFLOWS = "tests/infrastructure/test_workflows.py::"
DEPLOY = ".github/workflows/deploy.yaml"
LOCKS = "tests/infrastructure/test_locks.py::"

ROWS = (
    Row(
        "API Gateway asks who calls",
        TEMPLATE,
        "      AuthorizationType: !If [UsesIam, AWS_IAM, !If [UsesCognito, COGNITO_USER_POOLS, NONE]]\n",
        "      AuthorizationType: NONE\n",
        (OF_TEMPLATE + "TestApi::test_everything_but_the_open_paths_needs_the_caller",),
    ),
    Row(
        "a redirect to the bucket takes no key along",
        TEMPLATE,
        "            AllowedHeaders: [content-type, if-none-match, range, x-amz-*]\n",
        '            AllowedHeaders: ["*"]\n',
        (
            OF_TEMPLATE + "TestApi::"
            "test_the_console_may_use_the_bucket_and_sign_people_in_from_the_apis_own_address",
        ),
    ),
    Row(
        "a role reaches what it needs, and not everything",
        TEMPLATE,
        "                Action: dynamodb:DeleteItem\n                Resource: !GetAtt ObjectsTable.Arn\n",
        '                Action: dynamodb:DeleteItem\n                Resource: "*"\n',
        (OF_TEMPLATE + "TestRoles::test_no_statement_allows_everything",),
    ),
    Row(
        "a bundle holds what its lock names by hash",
        "scripts/build/bundle.py",
        '"--require-hashes", ',
        "",
        (LOCKS + "test_whatever_installs_does_so_by_hash",),
    ),
    Row(
        "the first stage waits for the checks",
        DEPLOY,
        "    needs: check\n",
        "",
        (WORKFLOWS + "TestDeployment::test_it_comes_after_what_it_needs",),
    ),
    Row(
        "what is checked before a deployment is what every change passes",
        DEPLOY,
        "    uses: ./.github/workflows/check.yaml\n",
        "    uses: ./.github/workflows/nightly.yaml\n",
        (WORKFLOWS + "test_every_change_passes_the_same_checks",),
    ),
    Row(
        "a stage takes an identity of its own, and no secret",
        DEPLOY,
        "role-to-assume: ${{ vars.PROD_ROLE_ARN }}",
        "role-to-assume: ${{ secrets.PROD_ROLE_ARN }}",
        (
            WORKFLOWS + "test_no_workflow_knows_a_secret",
            WORKFLOWS + "TestDeployment::test_it_takes_its_own_role_and_is_skipped_without",
        ),
    ),
    Row(
        "no other client sends requests",
        "app/storage/payloads.py",
        "from base64 import b64encode\n",
        "from base64 import b64encode\nfrom urllib.request import urlopen  # noqa: F401\n",
        ("tests/infrastructure/test_no_requests_of_our_own.py::test_a_module_has_no_client",),
    ),
)
