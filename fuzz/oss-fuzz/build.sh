#!/bin/bash -eu
# Builds all fuzz targets as OSS-Fuzz expects them: $SRC/wirebell is the checkout, and $OUT gets a
# program, the zipped corpus and, where there is one, the dictionary of each target.
#
#     mkdir -p /tmp/src /tmp/out && ln -sfn "$PWD" /tmp/src/wirebell
#     SRC=/tmp/src OUT=/tmp/out fuzz/oss-fuzz/build.sh

cd "$SRC/wirebell"

# The compiler of OSS-Fuzz is a nightly one; elsewhere it has to be asked for.
rustc --version | grep -q nightly || export RUSTUP_TOOLCHAIN=nightly

# Overflows are found too, as with `cargo fuzz run`.
cargo fuzz build -O --debug-assertions

host=$(rustc -vV | sed -n 's/^host: //p')
for target in $(cargo fuzz list); do
    cp "${CARGO_TARGET_DIR:-fuzz/target}/$host/release/$target" "$OUT/"
    zip -jqr "$OUT/${target}_seed_corpus.zip" "fuzz/corpus/$target"
    case $target in
        http_request | request_head | response_head) words=http ;;
        negotiation) words=extensions ;;
        push_*) words=push ;;
        *) continue ;;
    esac
    cp "fuzz/dict/$words.dict" "$OUT/$target.dict"
done
