#!/usr/bin/env bash
# Runs the Python module that has the name this file is called by: redrive.sh, a link
# to this file, runs redrive.py. Installs what the module needs before the first run.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -x .venv/bin/python ] || make --silent environment >&2
exec .venv/bin/python -m "scripts.ops.$(basename "$0" .sh)" "$@"
