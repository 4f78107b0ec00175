# The project's verbs. Everything they need comes from Cargo, pinned by Cargo.lock.

CARGO ?= cargo

.PHONY: demo check test bench

# A real portfolio job through the whole grid, on this machine.
demo:
	@$(CARGO) run --release --quiet --locked --package squall-cli -- run events/jobs/demo.json

# Formatting and lints; fails on any warning.
check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- --deny warnings

# Every test.
test:
	$(CARGO) test --workspace --locked

# Every figure that the README quotes, each beside its limit, measured in the same run.
bench:
	$(CARGO) build --release --quiet --locked --package squall-cli
	$(CARGO) bench --quiet --locked --package squall-tests
