#!/bin/sh
# The grid with its functions under `cargo lambda watch`: `make watch` calls this from the top of the checkout. Arguments are those
# of `squall dev`, such as --endpoint http://localhost:4566.
set -eu
rm -f .dev/functions.env
# The functions inherit this shell's variables; the file has those of the emulator.
unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN
target/debug/squall dev --functions-at http://127.0.0.1:9000 "$@" &
grid=$!
# Ctrl-C reaches the grid by itself; told twice, it would leave without stopping anything.
trap 'kill -INT $grid 2>/dev/null; wait $grid' EXIT
trap 'trap - EXIT; wait $grid; exit 130' INT
until [ -f .dev/functions.env ]; do
    kill -0 $grid 2>/dev/null || exit 1
    sleep 0.1
done
echo "the functions are built; after an edit, the next job waits until they are built again" >&2
PATH="$PWD/.venv/bin:$PATH" cargo lambda watch --invoke-address 127.0.0.1 --env-file .dev/functions.env
