#!/usr/bin/env bash
# All that can be known of the deployment without an account: lints, the template with the real binaries in a second emulator,
# the end-to-end tests against it, and our Step Functions against the emulator's. Leaves nothing behind. Prints what each took.
#   infra/check.sh [PART ...]        parts: lint versions machines emulator, which are the default; drill
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

versions() {
  venv emulator infra/emulator/requirements.txt
  "$tools/emulator/bin/python" infra/versions.py
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

# A rolling update from the commit in INNKEEPER_BEFORE, such as the one that is deployed, and back. Both are built in one
# target folder, so that they share their dependencies.
drill() {
  venv emulator infra/emulator/requirements.txt
  local before=${INNKEEPER_BEFORE:-HEAD^} folder=$target/before
  git worktree prune
  rm -rf "$folder"
  git worktree add --quiet --force --detach "$folder/tree" "$before"
  (cd "$folder/tree" && CARGO_TARGET_DIR=$target cargo build --quiet --locked --workspace --bins)
  mkdir "$folder/bin"
  find "$target/debug" -maxdepth 1 -type f -executable -exec cp {} "$folder/bin/" ';'
  git worktree remove --force "$folder/tree"
  cargo build --quiet --locked --workspace --bins
  echo "old: $(git log -1 --format='%h %s' "$before"); new: $(git log -1 --format='%h %s')"
  "$tools/emulator/bin/python" infra/emulator/drill.py "$folder/bin" "$target/debug"
}

[[ $# -gt 0 ]] || set -- lint versions machines emulator
for name; do
  from=$SECONDS
  echo "-- $name"
  "$name"
  echo "-- $name: $((SECONDS - from)) s"
done
