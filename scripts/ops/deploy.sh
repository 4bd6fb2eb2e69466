#!/usr/bin/env bash
# Deploys a stage to AWS, with the credentials and region of the environment.
set -euo pipefail
cd "$(dirname "$0")/../.."

usage() {
  cat <<'END'
usage: scripts/ops/deploy.sh STAGE [Parameter=Value ...]

STAGE is dev or prod. Parameters are those of template.yaml. They override what
samconfig.toml sets for the stage. AWS credentials and region come from the
environment, as for every AWS tool.

  scripts/ops/deploy.sh dev
  scripts/ops/deploy.sh prod AuthMode=cognito AlarmEmail=ops@example.com

It checks what the account needs, builds, deploys and deletes old published
versions. Then it runs scripts/ops/smoke.sh against the endpoint.
END
}

case "${1:-}" in
  -h | --help)
    usage
    exit
    ;;
  dev) config=default ;;
  prod) config=prod ;;
  *)
    usage >&2
    exit 2
    ;;
esac
stage=$1
shift

# The AWS CLI prefers AWS_REGION. SAM and boto3 know the other only, and must not work elsewhere.
export AWS_DEFAULT_REGION=${AWS_REGION:-${AWS_DEFAULT_REGION:-}}
[ -n "$AWS_DEFAULT_REGION" ] || unset AWS_DEFAULT_REGION

make --silent environment environment-sam >&2
python=.venv/bin/python
sam=.venv-sam/bin/sam
export SAM_CLI_TELEMETRY=0

"$python" -m scripts.ops.deployment check "$stage" "$@"
"$sam" validate --lint
"$sam" build --config-env "$config"
# Into a variable first: a failure in the place of a file would not end the script.
named=$("$python" -m scripts.ops.deployment parameters "$stage" "$@")
mapfile -t parameters <<<"$named"
confirmation=()
if [ -n "${CI:-}" ]; then
  confirmation=(--no-confirm-changeset)
fi
"$sam" deploy --config-env "$config" --parameter-overrides "${parameters[@]}" "${confirmation[@]}"

# SAM succeeds if somebody declines the changes too. This fails then, so what follows is not tried.
revision=$(sed -n 's/^Revision="\(.*\)"$/Revision=\1/p' <<<"$named")
outputs=$("$python" -m scripts.ops.deployment finish "$stage" "$revision")
echo "$outputs"
url=$(sed -n 's/^ApiUrl=//p' <<<"$outputs")
if grep -q '^ApiKeyId=' <<<"$outputs"; then
  WHARF_API_KEY=$("$python" -m scripts.ops.deployment api-key "$stage")
  export WHARF_API_KEY
fi
scripts/ops/smoke.sh "$url"
