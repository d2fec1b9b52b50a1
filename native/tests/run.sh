#!/bin/sh
# Builds the C++ tests with address and undefined-behaviour sanitizers in build/native-tests and runs them by ctest.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build="$root/build/native-tests"
mkdir -p "$build"
{
  cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS="-O1 -g" -DCOSMALLOC_TESTS=ON \
    -DCOSMALLOC_SANITIZE=ON &&
    cmake --build "$build" --parallel 2
} >"$build/build.log" 2>&1 || { cat "$build/build.log" >&2; exit 1; }
ctest --test-dir "$build" --output-on-failure
