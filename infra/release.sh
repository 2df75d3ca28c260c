#!/usr/bin/env bash
# A release: every function's package, what is in it (CycloneDX), and a manifest with versions and checksums, under
# target/dist/VERSION-ARCHITECTURE/; the same binaries where `sam deploy` takes them. They carry their list of crates.
#   infra/release.sh [--architecture arm64|x86_64] [--only FUNCTION]... [--twice]
# Without --architecture it is for what the template runs where no parameter says otherwise.
# --twice builds all of it again, from nothing and in another folder, and says whether the same came out. For arm64
# `cargo lambda` must be installed (with its virtual environment active, so that it finds zig); the rest it installs itself.
set -euo pipefail
cd "$(dirname "$0")/.."

architecture=$(sed -n '/^  Architecture:/,/^  [A-Z]/s/^    Default: //p' infra/template.yaml) twice='' only=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --architecture) architecture=$2; shift 2 ;;
    --only) only+=("$2"); shift 2 ;;
    --twice) twice=yes; shift ;;
    *) sed -n '2,7s/^# //p' "$0"; exit 2 ;;
  esac
done

# The manifest names a commit; what is built is that.
[[ -z $(git status --porcelain) ]] || { echo "there are changes that are in no commit" >&2; exit 1; }

commit=$(git rev-parse HEAD)
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
# The time in every archive and document is the commit's, not the clock's.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct "$commit")
export SOURCE_DATE_EPOCH
dist=$target/dist/$version-$architecture
case $architecture in
  arm64) triple=aarch64-unknown-linux-gnu ;;
  x86_64) triple=x86_64-unknown-linux-gnu ;;
  *) echo "arm64 or x86_64, not $architecture" >&2; exit 2 ;;
esac
[[ ${#only[@]} -gt 0 ]] || mapfile -t only < <(sed -n 's|^ *CodeUri: ../target/lambda/\(.*\)/$|\1|p' infra/template.yaml)

crate_of() { # FUNCTION: the group whose folder has its binary
  local found=(functions/*/src/bin/"$1".rs)
  basename "${found[0]%/src/bin/*}"
}

tools() {
  local installed
  export PATH=$target/tools/cargo/bin:$PATH
  installed=$(cargo install --list --root "$target/tools/cargo")
  for tool in cargo-auditable@0.7.7 cargo-cyclonedx@0.5.9; do
    [[ $installed == *"${tool/@/ v}:"* ]] || cargo install --quiet --locked --root "$target/tools/cargo" "$tool"
  done
}

# In the folder that one is in. No path of this machine stays in a binary, so that any folder gives the same one.
build() { # TARGET_DIR
  local crates function arguments=(--quiet --locked --profile deploy)
  crates=$(for function in "${only[@]}"; do crate_of "$function"; done | sort -u)
  for function in $crates; do arguments+=(-p "$function"); done
  for function in "${only[@]}"; do arguments+=(--bin "$function"); done
  local kept="--remap-path-prefix=$PWD=/innkeeper --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$1=/target"
  if [[ $architecture == arm64 ]]; then
    CARGO_TARGET_DIR=$1 RUSTFLAGS=$kept cargo auditable lambda build --arm64 "${arguments[@]}"
    return
  fi
  CARGO_TARGET_DIR=$1 RUSTFLAGS=$kept cargo auditable build "${arguments[@]}"
  for function in "${only[@]}"; do
    install -D "$1/deploy/$function" "$1/lambda/$function/bootstrap"
  done
}

# Without it `cargo audit bin` could only guess.
carries_its_crates() { # BINARY
  local list=$dist/crates
  objcopy --dump-section ".dep-v0=$list" "$1" /dev/null
  python3 -c 'import json, sys, zlib; print(len(json.loads(zlib.decompress(open(sys.argv[1], "rb").read()))["packages"]))' "$list"
  rm "$list"
}

bills() {
  mkdir -p "$dist/sbom"
  # It writes beside every manifest of the workspace, whatever it is asked for.
  cargo cyclonedx --quiet --format json --all --spec-version 1.5 --target "$triple"
  for function in "${only[@]}"; do crate_of "$function"; done | sort -u | while read -r crate; do
    cp "functions/$crate/$crate.cdx.json" "$dist/sbom/"
  done
  find functions shared infra tests benches -name '*.cdx.json' -delete
}

package() {
  local function binary crates
  for function in "${only[@]}"; do
    binary=$target/lambda/$function/bootstrap
    crates=$(carries_its_crates "$binary")
    python3 - "$binary" "$dist/$function.zip" <<'PY'
import os, sys, time, zipfile

entry = zipfile.ZipInfo("bootstrap", time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6])
entry.external_attr, entry.compress_type = 0o755 << 16, zipfile.ZIP_DEFLATED
with zipfile.ZipFile(sys.argv[2], "w", compresslevel=9) as archive, open(sys.argv[1], "rb") as binary:
    archive.writestr(entry, binary.read())
PY
    echo "$function: $(stat -c %s "$binary") bytes, $(stat -c %s "$dist/$function.zip") packed, of $crates crates"
  done
}

manifest() {
  python3 - "$dist" "$version" "$architecture" "$commit" "$(rustc --version)" <<'PY'
import hashlib, json, pathlib, sys

dist, version, architecture, commit, rustc = sys.argv[1:]
digest = lambda path: {"file": str(path), "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
release = pathlib.Path(dist)
files = sorted(release.glob("*.zip")) + sorted(release.glob("sbom/*"))
sources = [pathlib.Path("infra/template.yaml"), pathlib.Path("Cargo.lock"), *sorted(pathlib.Path("statemachines").glob("*.asl.json"))]
manifest = {
    "name": "innkeeper", "version": version, "architecture": architecture, "commit": commit, "rustc": rustc,
    "files": [digest(path) | {"file": str(path.relative_to(release))} for path in files],
    "sources": [digest(path) for path in sources],
}
(release / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
print(f"{release}: {len(files)} files, {sum(f['bytes'] for f in manifest['files']) / 1e6:.1f} MB")
PY
}

again() {
  local function first second differ=0 folder=$target/again
  rm -rf "$folder"
  git worktree prune
  git worktree add --quiet --detach "$folder/source" "$commit"
  (cd "$folder/source" && build "$folder/target")
  for function in "${only[@]}"; do
    first=$(sha256sum <"$target/lambda/$function/bootstrap")
    second=$(sha256sum <"$folder/target/lambda/$function/bootstrap")
    [[ $first == "$second" ]] || { echo "$function: ${first:0:16} and then ${second:0:16}"; differ=1; }
  done
  [[ $differ == 1 ]] || echo "${#only[@]} built twice, in two folders, the same each time"
  git worktree remove --force "$folder/source"
  rm -rf "$folder"
  return "$differ"
}

tools
rm -rf "$dist"
mkdir -p "$dist"
build "$target/deployed"
rm -rf "$target/lambda"
ln -s deployed/lambda "$target/lambda"
package
bills
manifest
[[ -z $twice ]] || again
