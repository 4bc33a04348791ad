#!/bin/sh
# Builds the canister, and compares it with artifact/ or writes it there: build.sh [--write]
#
# The same sources, compiler and lockfile give the same bytes wherever they lie; see bin/rustc.
set -eu
cd "$(dirname "$0")"
ANCHORHOLD_ROOT=$(cd ../.. && pwd -P)
cargo fetch --quiet --locked
ANCHORHOLD_CRATES=$(echo "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*)
export ANCHORHOLD_ROOT ANCHORHOLD_CRATES
# Flags for the node's own processor.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
# A folder of its own: cargo does not tell apart what was built without bin/rustc.
target=${CARGO_TARGET_DIR:-$ANCHORHOLD_ROOT/target}/contracts-icp

RUSTC_WRAPPER=$PWD/bin/rustc CARGO_TARGET_DIR=$target \
    cargo build --quiet --release --locked --target wasm32-unknown-unknown
built=$target/wasm32-unknown-unknown/release/anchorhold_registry_icp.wasm
sha256=$(sha256sum "$built" | cut -d ' ' -f 1)

case "${1:-}" in
--write)
    mkdir -p artifact
    cp "$built" artifact/registry.wasm
    chmod 644 artifact/registry.wasm
    cat >artifact/artifact.json <<END
{
  "file": "registry.wasm",
  "sha256": "$sha256",
  "size_bytes": $(wc -c <"$built" | tr -d ' '),
  "rustc": "$(rustc --version)",
  "target": "wasm32-unknown-unknown",
  "ic_cdk": "$(sed -n '/^name = "ic-cdk"$/{n;s/^version = "\(.*\)"$/\1/p;}' Cargo.lock)"
}
END
    ;;
'')
    if ! cmp -s "$built" artifact/registry.wasm || ! grep -q "\"$sha256\"" artifact/artifact.json; then
        echo "artifact/registry.wasm is not what the sources make ($sha256): build.sh --write" >&2
        exit 1
    fi
    ;;
*)
    echo "usage: build.sh [--write]" >&2
    exit 2
    ;;
esac
echo "  registry.wasm $sha256"
