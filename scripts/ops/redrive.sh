#!/usr/bin/env bash
# See scripts/ops/redrive.py, or run it with --help.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -x .venv/bin/python ] || make --silent environment >&2
exec .venv/bin/python -m scripts.ops.redrive "$@"
