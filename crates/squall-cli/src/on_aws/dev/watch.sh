#!/bin/sh
# The grid with its functions under `cargo lambda watch`: `make watch` calls this from the top of the checkout.
set -eu
rm -f .dev/functions.env
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
target/debug/squall dev --functions-at http://127.0.0.1:9000 &
grid=$!
# Ctrl-C reaches the grid by itself; told twice, it would leave without stopping anything.
trap 'kill -INT $grid 2>/dev/null; wait $grid' EXIT
trap 'trap - EXIT; wait $grid; exit 130' INT
until [ -f .dev/functions.env ]; do
    kill -0 $grid 2>/dev/null || exit 1
    sleep 0.1
done
PATH="$PWD/.venv/bin:$PATH" cargo lambda watch --invoke-address 127.0.0.1 --env-file .dev/functions.env
