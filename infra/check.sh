#!/usr/bin/env bash
# All that can be known of the deployment without an account: lints, the template with the real binaries in a second emulator,
# the end-to-end tests against it, and our Step Functions against the emulator's. Leaves nothing behind. Prints what each took.
#   infra/check.sh [PART ...]        parts: lint machines emulator; all of them by default
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
tools=$target/tools
outcomes=${INNKEEPER_OUTCOMES:-$target/outcomes.jsonl}

venv() { # NAME REQUIREMENTS
  cmp -s "$2" "$tools/$1/requirements.txt" && return
  python3 -m venv "$tools/$1"
  "$tools/$1/bin/pip" install --quiet --disable-pip-version-check -r "$2"
  cp "$2" "$tools/$1/requirements.txt"
}

lint() {
  venv lint infra/requirements.txt
  npm install --silent --no-audit --no-fund --prefix "$tools/js" asl-validator@4.0.0
  "$tools/lint/bin/cfn-lint" infra/template.yaml
  "$tools/lint/bin/checkov" --config-file infra/checkov.yaml
  for machine in statemachines/*.asl.json; do
    "$tools/js/node_modules/.bin/asl-validator" --json-path "$machine"
  done
}

# A test run that has written the outcomes down already need not do it again.
machines() {
  venv emulator infra/emulator/requirements.txt
  [[ -n ${INNKEEPER_OUTCOMES:-} && -s $outcomes ]] ||
    INNKEEPER_OUTCOMES=$outcomes cargo nextest run --locked --workspace -E 'test(written_down_for_others)'
  "$tools/emulator/bin/python" infra/emulator/machines.py "$outcomes"
}

emulator() {
  venv emulator infra/emulator/requirements.txt
  infra/emulator/run
}

[[ $# -gt 0 ]] || set -- lint machines emulator
for name; do
  from=$SECONDS
  echo "-- $name"
  "$name"
  echo "-- $name: $((SECONDS - from)) s"
done
