#!/usr/bin/env bash
# What /openapi.json says and what the API does are the same: schemathesis against the local stack, once as nobody and
# once as the owner of a tenant.
#   infra/schemathesis.sh [more arguments for `schemathesis run`]
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
version=4.32.5
venv=$target/tools/schemathesis
if ! "$venv/bin/schemathesis" --version 2>/dev/null | grep -qF "$version"; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version"
fi

cargo build --quiet --locked --workspace --bin innkeeper
work=$(mktemp -d)
"$target/debug/innkeeper" --memory --no-limits --port 0 >"$work/log" &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
until grep -q "^Innkeeper is ready" "$work/log"; do
  kill -0 "$server" # ends the script where the server has ended
  sleep 0.1
done
url=$(sed -n 's/^Innkeeper is ready on \([^ ]*\) .*/\1/p' "$work/log")

# First of all, because a fuzzed sign-in closes the door for everybody at this address (R14).
read -r tenant token < <(python3 - "$url" <<'PY'
import json, sys, time, urllib.request

def call(path, body=None, token=None):
    headers = {"content-type": "application/json"} if body else {}
    if token:
        headers["authorization"] = f"Bearer {token}"
    request = urllib.request.Request(sys.argv[1] + path, json.dumps(body).encode() if body else None, headers)
    return json.load(urllib.request.urlopen(request))

email, password = "owner@lanterns.example", "seven purple lanterns, drifting"
tenant = call("/api/v1/tenants", {"company_name": "Lantern Works", "subdomain": "lanterns", "admin_name": "Ada Admin", "admin_email": email})
for _ in range(200):
    mails = [mail for mail in call("/_local/mail") if mail["to"] == email]
    if mails:
        break
    time.sleep(0.1)
token = mails[0]["text"].split("token=")[1].split()[0]
call("/api/v1/auth/activate", {"token": token, "password": password})
print(tenant["tenant_id"], call("/api/v1/auth/login", {"email": email, "password": password})["access_token"])
PY
)

run() { # NAME ARGUMENTS...
  echo "== as $1"
  shift
  "$venv/bin/schemathesis" --config-file "$work/schemathesis.toml" --no-color run "$url/openapi.json" \
    --checks all --max-examples 50 --seed 1 --generation-database none --request-timeout 10 "$@"
}

# No schema says that a name is reserved, a link used up or a cursor none of ours: a request that fits its schema may be
# a documented 4xx.
cat >"$work/schemathesis.toml" <<'TOML'
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 401, 403, 404, 409, 422, 429]
# What is too long for a route is refused before it is read.
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 409, 413, 415, 422, 429]
# A value's name may have slashes: GET /api/v1/vault/a/rollback reads the value `a/rollback`, so only a method that nothing takes
# is one too many.
[[operations]]
include-path-regex = "^/api/v1/(vault|admin/secrets)/[{]name[}]/"
phases.coverage.unexpected-methods = ["TRACE"]
TOML
run nobody --warnings off "$@"

cat >>"$work/schemathesis.toml" <<TOML
[parameters]
"path.tenant_id" = "$tenant"
TOML
# What ends sessions or the tenant would end this run; that it lives to the end says that it was the owner's.
run "the owner" --header "Authorization: Bearer $token" --exclude-operation-id auth-logout \
  --exclude-operation-id auth-session-revoke --exclude-operation-id tenants-deprovision "$@"
curl --silent --show-error --fail --output "$work/whoami" --header "Authorization: Bearer $token" "$url/api/v1/auth/whoami"
