#!/usr/bin/env bash
# `sam deploy` of what infra/release.sh has built, with the parameters of samconfig.toml, and with a `Release` that stands for packages,
# template and parameters: whatever of them changes, the functions behind `live` get new versions; where nothing does, none.
#   infra/deploy.sh dev|staging|production [OPTION OF SAM DEPLOY ...]     but --parameter-overrides: put them in samconfig.toml
set -euo pipefail
cd "$(dirname "$0")"

stage=${1:?dev, staging or production}
shift
parameters=$(python3 - "$stage" <<'PY'
import sys, tomllib

with open("samconfig.toml", "rb") as file:
    print(tomllib.load(file)[sys.argv[1]]["deploy"]["parameters"]["parameter_overrides"])
PY
)
release=$({ echo "$parameters"; sha256sum template.yaml ../target/lambda/*/bootstrap; } | sha256sum | cut -d ' ' -f 1)
exec sam deploy --config-env "$stage" --parameter-overrides "$parameters Release=$release" "$@"
