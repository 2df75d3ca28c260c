#!/usr/bin/env bash
# `sam deploy` of what infra/release.sh has built, with the parameters of samconfig.toml, and with a `Release` that stands for packages,
# template and parameters: whatever of them changes, the functions behind `live` get new versions; where nothing does, none.
# Packages of another processor than the stack's are refused: each of its functions would fail at its start.
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
python3 - "$parameters" ../target/lambda/*/bootstrap <<'PY'
import re, sys

# e_machine of the ELF header.
MACHINES = {62: "x86_64", 183: "arm64"}

parameters, *packages = sys.argv[1:]
default = re.search(r"^  Architecture:\n(?:    .*\n)*?    Default: (\S+)", open("template.yaml").read(), re.M)
chosen = re.findall(r"(?:^|\s)Architecture=[\"']?(\w+)", parameters)
architecture = chosen[-1] if chosen else default[1]
for package in packages:
    try:
        with open(package, "rb") as file:
            head = file.read(20)
    except FileNotFoundError:
        sys.exit(f"{package} is not there: infra/release.sh --architecture {architecture} makes it")
    built = MACHINES.get(int.from_bytes(head[18:20], "little")) if head.startswith(b"\x7fELF") else None
    if built != architecture:
        sys.exit(f"{package} is built for {built or 'no processor'}, and the stack runs {architecture}: "
                 f"infra/release.sh --architecture {architecture}")
PY
release=$({ echo "$parameters"; sha256sum template.yaml ../target/lambda/*/bootstrap; } | sha256sum | cut -d ' ' -f 1)
exec sam deploy --config-env "$stage" --parameter-overrides "$parameters Release=$release" "$@"
