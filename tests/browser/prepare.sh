# What `run` and `screenshot` need: Node, a Chromium, Playwright, the server. They read it in; it
# sets CHROMIUM and WIREBELL and leaves the shell in this folder.
#
#   WIREBELL   the server's binary; else target/release/wirebell, which is built when missing
#   CHROMIUM   the browser's binary; else /usr/bin/chromium, else the first one in PATH
# shellcheck shell=bash

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(cd -- "$here/../.." && pwd)

fail() {
  printf '%s: %s\n' "$0" "$*" >&2
  exit 1
}

command -v node >/dev/null || fail 'Node.js is missing: install Node 20 or newer (package "nodejs")'
major=$(node -p 'process.versions.node.split(".")[0]')
[ "$major" -ge 20 ] || fail "Node $(node --version) is too old: install Node 20 or newer"

if [ -z "${CHROMIUM:-}" ]; then
  for name in /usr/bin/chromium chromium chromium-browser google-chrome-stable google-chrome; do
    if CHROMIUM=$(command -v "$name"); then break; fi
  done
fi
[ -n "${CHROMIUM:-}" ] || fail 'no Chromium: install the package "chromium", or set CHROMIUM to a browser binary'
[ -x "$CHROMIUM" ] || fail "CHROMIUM=$CHROMIUM cannot be run"

if [ -z "${WIREBELL:-}" ]; then
  WIREBELL=${CARGO_TARGET_DIR:-$root/target}/release/wirebell
  if [ ! -x "$WIREBELL" ]; then
    command -v cargo >/dev/null || fail 'no wirebell: set WIREBELL to its binary, or install Rust to build it'
    (cd "$root" && cargo build --release --locked --bin wirebell)
  fi
fi
[ -x "$WIREBELL" ] || fail "WIREBELL=$WIREBELL cannot be run"
case $WIREBELL in /*) ;; *) WIREBELL=$PWD/$WIREBELL ;; esac
export CHROMIUM WIREBELL

cd "$here"
want=$(node -p 'require("./package.json").devDependencies["playwright-core"]')
have=$(node -p 'require("playwright-core/package.json").version' 2>/dev/null || true)
if [ "$want" != "$have" ]; then
  command -v npm >/dev/null || fail 'npm is missing: install it (package "npm")'
  npm ci
fi
