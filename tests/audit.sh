#!/bin/sh
# Known faults of the crates, npm packages and wheels that are pinned here. What cannot be looked up on this machine is named and left
# out; a fault fails.
cd "$(dirname "$0")/.." || exit 1
failed=0
skipped() {
    echo "not audited: $1" >&2
}

if ! command -v cargo-deny >/dev/null; then
    skipped "crates: cargo-deny is missing; cargo install --locked cargo-deny builds it"
elif ! cargo-deny --locked fetch db >/dev/null 2>&1; then
    skipped "crates: cargo-deny cannot fetch its database"
else
    cargo-deny --locked check --disable-fetch advisories || failed=1
fi

if answer=$(npm --prefix infra audit --json --audit-level=high 2>/dev/null); then
    :
elif echo "$answer" | grep -q '"auditReportVersion"'; then
    npm --prefix infra audit --audit-level=high
    failed=1
else
    skipped "npm packages: npm is missing, or its registry gives no advisories"
fi

for file in infra/requirements.txt crates/squall-lambdas/requirements.txt crates/squall-cli/src/on_aws/dev/requirements.txt; do
    if answer=$(pip-audit --disable-pip --require-hashes --progress-spinner off --format json --requirement "$file" 2>/dev/null); then
        :
    elif echo "$answer" | grep -q '"dependencies"'; then
        echo "$file: $answer"
        failed=1
    else
        skipped "the wheels of $file: pip-audit is missing, or has no database"
    fi
done
exit "$failed"
