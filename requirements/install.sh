#!/usr/bin/env bash
# install.sh FOLDER NEWEST NAME...: makes FOLDER a new environment that holds the requirements NAME.txt, of Python 3.10 to
# 3.NEWEST: of $PYTHON where that fits, else of one on the PATH. Exits with 3 where there is none.
set -euo pipefail
folder=$1
newest=$2
shift 2

fits() { "$1" -c "import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, $newest))" 2>/dev/null; }

for python in "${PYTHON:-python3}" python3.12 python3.11 python3.10 ""; do
    if fits "$python"; then break; fi
done
if [ -z "$python" ]; then
    echo "$folder needs Python 3.10 to 3.$newest with venv (on Debian and Ubuntu: apt install python3-venv), but" \
        "PYTHON=${PYTHON:-python3} is $("${PYTHON:-python3}" --version 2>/dev/null || echo "not there")" >&2
    exit 3
fi

echo "$folder: a new environment of $("$python" --version)"
"$python" -m venv --clear "$folder"
for name in "$@"; do
    echo "$folder: installing requirements/$name.txt ($(grep -c == "requirements/$name.txt") pins)"
    "$folder/bin/python" -m pip --disable-pip-version-check --no-input install --quiet --quiet --no-build-isolation \
        --requirement "requirements/$name.txt"
done
touch "$folder/.requirements"
