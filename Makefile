# The project's verbs. What they need comes from Cargo, pinned by Cargo.lock; from PyPI, pinned by hash in
# requirements.txt, into .venv; and, for what is deployed, from npm, pinned by package-lock.json, into infra/node_modules.

CARGO ?= cargo
PYTHON ?= python3
VENV := .venv
REQUIREMENTS := crates/squall-cli/src/on_aws/dev/requirements.txt
CARGO_LAMBDA := crates/squall-lambdas/requirements.txt
INFRA := infra/node_modules/.package-lock.json
# Other settings than infra/squall.config.ts: make deploy CONFIG=staging.config.ts
CONFIG ?= infra/squall.config.ts
# Functions of a crate of your own, already built: make deploy CONFIG=mine.json FUNCTIONS=mine/target/lambda
FUNCTIONS ?=
CDK = cd infra && node_modules/.bin/cdk --context config=$(abspath $(CONFIG)) $(if $(FUNCTIONS),--context functions=$(abspath $(FUNCTIONS)))
# What runs on this machine, in the profile of the tests. Without --package, because then Cargo gives the dependencies the features
# that `cargo lambda watch` and `cargo test --workspace` give them, and none is built twice.
BUILD_HERE = $(CARGO) build --locked $(addprefix --bin ,squall task-splitter shard-consumer cascade-worker result-collector)
AT_ENDPOINT = $(if $(ENDPOINT),--endpoint $(ENDPOINT))
# No test reaches an account: those with an emulator make up its keys.
EMULATED := AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true

.PHONY: demo dev watch check check-rust check-infra audit deny test test-infra live bench quantlib lambdas synth bootstrap diff deploy destroy templates

# A real portfolio job through the whole grid, on this machine.
demo:
	@$(CARGO) run --release --quiet --locked --package squall-cli --no-default-features -- run events/jobs/demo.json

# The grid as it runs on AWS, on this machine: an emulator, the functions' own binaries, their event sources. With an emulator that
# runs already, such as LocalStack: make dev ENDPOINT=http://localhost:4566
dev: $(if $(ENDPOINT),,$(VENV)/emulator)
	@echo "building squall and its functions; the first time that takes minutes"
	$(BUILD_HERE)
	@target/debug/squall dev $(AT_ENDPOINT)

# The same with the functions under `cargo lambda watch`, which builds them again whenever their code changes.
watch: $(if $(ENDPOINT),,$(VENV)/emulator) $(VENV)/cargo-lambda
	@echo "building squall and its functions; the first time that takes minutes"
	$(BUILD_HERE)
	@./crates/squall-cli/src/on_aws/dev/watch.sh $(AT_ENDPOINT)

# Formatting, lints, the documentation's links, and known faults of what is pinned; fails on any warning. `make check-rust` needs no Node.
check: check-rust check-infra audit

check-rust:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --quiet --workspace --no-deps --document-private-items --locked

# Licences, sources and advisories of what is built in. The tests check the licences without cargo-deny.
deny:
	@command -v cargo-deny >/dev/null || { echo "cargo-deny is missing; cargo install --locked cargo-deny builds it" >&2; exit 1; }
	$(CARGO) deny --locked check

check-infra: $(INFRA)
	npm --prefix infra run --silent check

# Known faults of crates, npm packages and wheels; what cannot be looked up here is named and left out.
audit:
	@tests/audit.sh

# Every test. The stacks are tested by themselves, and deployed into the emulator; QuantLib prices as a worker.
test: test-infra $(VENV)/emulator $(VENV)/quantlib
	$(EMULATED) SQUALL_QUANTLIB=$(CURDIR)/$(VENV)/bin/python SQUALL_EMULATOR=$(CURDIR)/$(VENV)/bin/python SQUALL_CDK=$(CURDIR)/infra/node_modules/.bin/cdk \
		$(CARGO) test --workspace --locked

# What would be deployed, without building a function.
test-infra: $(INFRA) $(VENV)/cfn-lint
	npm --prefix infra test --silent
	cd infra && $(CURDIR)/$(VENV)/bin/cfn-lint templates/*.json

# The ports' contracts against a deployment in a real account: SQUALL_TABLE, SQUALL_BUCKET, ... name it.
live:
	SQUALL_LIVE=1 $(CARGO) test --locked --package squall-tests live -- --nocapture

# Every figure that the README quotes, each next to a reference measurement of the same run.
bench:
	$(CARGO) build --release --quiet --locked --workspace --bins --examples
	$(CARGO) bench --quiet --locked --workspace --bench squall-bench

# Thousands of random contracts against QuantLib, with the largest difference of each figure. It downloads QuantLib.
quantlib: $(VENV)/quantlib
	$(CARGO) build --release --quiet --locked --package squall-cli --no-default-features
	for comparison in $(filter-out %/against.py,$(wildcard tests/quantlib/*.py)) examples/external/quantlib/against_kernels.py; do \
		$(VENV)/bin/python $$comparison target/release/squall || exit 1; done

# The functions as they are deployed, in target/lambda. `make lambdas ARCH=` builds them for x86-64. One codegen unit makes
# them a seventh smaller, no slower, and too long to build for a demo; optimising for size would make a worker three times slower.
ARCH ?= --arm64
# What is deployed has one compiler; `make lambdas RUST=1.96.0` takes another.
RUST ?= 1.95.0
lambdas: $(VENV)/cargo-lambda
	@rustc --version | grep -qF 'rustc $(RUST) ' || { echo "the functions are built with Rust $(RUST), and here is $$(rustc --version); \
	install that one, or build with yours: make lambdas RUST=$$(rustc --version | cut -d' ' -f2)" >&2; exit 1; }
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 $(CARGO) lambda build --release --locked $(ARCH) --package squall-lambdas

# What a deployment costs while it idles, and its templates in infra/cdk.out; needs no functions and no account.
synth: $(INFRA)
	@$(CDK) list --context code=bucket >/dev/null
	@echo "the templates are in infra/cdk.out"

# Once per account and region: what the CDK itself needs there.
bootstrap: $(INFRA)
	@$(CDK) bootstrap --context code=bucket

# What deploying would change.
diff: $(INFRA) $(if $(FUNCTIONS),,lambdas)
	@$(CDK) diff

# Builds the functions and puts everything into the account of your credentials; `make bootstrap` once before.
deploy: $(INFRA) $(if $(FUNCTIONS),,lambdas)
	@$(CDK) deploy --all

# Takes everything away again, if the settings allow it.
destroy: $(INFRA)
	@$(CDK) destroy --all --context destroy=yes

# The templates for people who do not use the CDK.
templates: $(INFRA)
	cd infra && node --import tsx bin/templates.ts

$(INFRA): infra/package-lock.json
	npm --prefix infra ci --ignore-scripts --silent --no-fund --no-audit
	@touch $@

$(VENV)/cfn-lint: infra/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement infra/requirements.txt
	@touch $@

$(VENV)/emulator: $(REQUIREMENTS)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement $(REQUIREMENTS)
	@touch $@

$(VENV)/cargo-lambda: $(CARGO_LAMBDA)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement $(CARGO_LAMBDA)
	@touch $@

$(VENV)/quantlib: tests/quantlib/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement tests/quantlib/requirements.txt
	@touch $@
