#!/usr/bin/env bash
# Runs the Python module that has the name this file is called by: redrive.sh, a link
# to this file, runs redrive.py. Installs what the module needs before the first run.
set -euo pipefail
cd "$(dirname "$0")/../.."
# The AWS CLI prefers AWS_REGION. SAM and boto3 know the other only, and must not work elsewhere.
export AWS_DEFAULT_REGION=${AWS_REGION:-${AWS_DEFAULT_REGION:-}}
[ -n "$AWS_DEFAULT_REGION" ] || unset AWS_DEFAULT_REGION
[ -x .venv/bin/python ] || make --silent environment >&2
exec .venv/bin/python -m "scripts.ops.$(basename "$0" .sh)" "$@"
