# The same targets by hand and in CI. Everything is built in one target folder.
CARGO ?= cargo
DEMO := demo

.PHONY: help demo test lint fmt bench

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## a template from end to end, made from a small sample disk
	@CARGO="$(CARGO)" sh examples/demo.sh $(DEMO)

test: ## all tests; those that lack a tool or root say so by name
	$(CARGO) test --workspace --quiet

lint: ## formatting, clippy, documentation, licences
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc -p vmtemplate --no-deps --quiet
	$(CARGO) check -p vmtemplate --no-default-features --quiet
	python3 -B tests/licences.py

fmt: ## format all code
	$(CARGO) fmt --all

bench: ## the library beside its rivals; BENCH_QUICK=1 for a short run
	$(CARGO) build --release --quiet -p vmtemplate-cli
	$(CARGO) bench --quiet
