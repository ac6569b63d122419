#!/usr/bin/env bash
# Pins the packages of each *.in, and all that they need, in the *.txt of the same name, for Python 3.10 to 3.14.
# Pins that still fit stay; `--upgrade` takes the newest instead. Needs uv: call it as `make lock`.
set -euo pipefail
cd "$(dirname "$0")"

lock() {  # name [uv option...]
    local name=$1
    shift
    echo "requirements/$name.txt"
    uv --system-certs pip compile --quiet --universal --python-version 3.10 --no-python-downloads --no-header --no-annotate \
        "$name.in" --output-file "$name.txt" "$@"
    # Where the wheels of ROS 2 exist goes without saying on every line.
    sed -i -E "s/ and platform_machine == 'x86_64'//; s/ and sys_platform == 'linux'//; \
        s/ and platform_python_implementation != 'PyPy'//; s/ (;|and) python_full_version < '3.15'\$//" "$name.txt"
    sed -i "1i # Made from $name.in by \`make lock\`." "$name.txt"
}

lock test "$@"
for name in build run offline label bench; do
    lock "$name" --constraint test.txt "$@"
done
lock numpy1 --constraint build.txt "$@"
# PyTorch's build for CPUs needs none of these. Where pip finds only the build for GPUs, it adds them itself.
sed -i -E '/^(cuda|nvidia|triton)/d' bench.txt
