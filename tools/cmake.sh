#!/bin/sh
# Runs CMake 3 for the bundled HDF5: the system's when it has one, else the wheel from PyPI, installed once under target/.
set -e
here=$(cd "$(dirname "$0")/.." && pwd)
private="$here/target/cmake-wheel"
usable() { "$1" --version 2>/dev/null | grep -q '^cmake version 3\.\(1[2-9]\|[2-9][0-9]\)'; }
for candidate in /usr/bin/cmake /usr/local/bin/cmake /opt/homebrew/bin/cmake "$private/bin/cmake"; do
    if usable "$candidate"; then
        [ "$candidate" = "$private/bin/cmake" ] && PYTHONPATH="$private" && export PYTHONPATH
        exec "$candidate" "$@"
    fi
done
if ! command -v python3 >/dev/null 2>&1; then
    echo "ness needs CMake 3.12 or newer to build its bundled HDF5: install cmake, or python3 with pip" >&2
    exit 1
fi
python3 -m pip install --quiet --disable-pip-version-check --target "$private" 'cmake<4' >&2
PYTHONPATH="$private" exec "$private/bin/cmake" "$@"
