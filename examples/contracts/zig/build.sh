#!/bin/sh
# Builds tally.wasm. Zig comes with `pip install ziglang`; name the Python that has it, if need be.
set -eu
cd "$(dirname "$0")"
"${1:-python3}" -m ziglang build-exe tally.zig \
  -target wasm32-freestanding -mcpu=mvp+sign_ext+bulk_memory \
  -O ReleaseSmall -fno-entry -rdynamic --stack 16384 -femit-bin=tally.wasm
