# Developers and CI use the same targets. Everything is built in one target folder.
CARGO ?= cargo
DEMO := demo
# Runs run.py, which builds, tests and documents the Python module, and keeps the tools it needs in the target folder.
PYTHON ?= python3 -B
# Where packages are compiled.
PACKAGED = $${CARGO_TARGET_DIR:-target}/packaged
# Seconds for each fuzz target.
FUZZ_SECONDS ?= 60
# The most executions for each fuzz target; -1 for as many as the time allows.
FUZZ_RUNS ?= -1

.PHONY: help demo test lint package fmt docs bench fuzz install

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## a template from end to end, from the disk of a master VM to a repository
	@CARGO="$(CARGO)" sh examples/demo.sh $(DEMO)

test: ## all tests; a test that lacks a tool or root says so by name
	@CARGO="$(CARGO)" PYTHON="$(PYTHON)" sh tests/run.sh

lint: ## formatting, clippy, documentation, licences
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc -p vmtemplate --features remote --no-deps --quiet
	$(CARGO) check -p vmtemplate --no-default-features --quiet
	python3 -B tests/licences.py
	$(PYTHON) bindings/python/run.py lint

package: ## what crates.io would get of the library and the command, built from that alone
	@# A package of a registry never changes for cargo: what it unpacked and compiled of an earlier one must go.
	@rm -rf "$${CARGO_HOME:-$$HOME/.cargo}"/registry/src/-*/vmtemplate-[0-9]* $(PACKAGED)/debug/.fingerprint/vmtemplate-*
	$(CARGO) package --allow-dirty --quiet --target-dir $(PACKAGED) -p vmtemplate -p vmtemplate-cli

fmt: ## format all code
	$(CARGO) fmt --all
	$(PYTHON) bindings/python/run.py fmt

docs: ## the documentation of the Python module, as HTML
	$(PYTHON) bindings/python/run.py docs

bench: ## the library beside its rivals; BENCH_QUICK=1 for a short run
	$(CARGO) build --release --quiet -p vmtemplate-cli
	$(CARGO) bench --quiet
	$(PYTHON) bindings/python/run.py bench
	$(CARGO) build --release --quiet -p vmtemplate-c
	$(CARGO) bench --quiet -p vmtemplate-c --bench overhead

# libFuzzer needs only coverage from the compiler, which stable Rust provides. With an explicit --target, cargo does not
# apply these flags to build scripts and macros.
FUZZ_FLAGS := -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
	-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing
FUZZ_FOLDER := crates/vmtemplate-fuzz

# All fuzz targets, or selected ones: make fuzz FUZZ_TARGETS="qcow2 ntfs"
FUZZ_TARGETS ?= $(notdir $(wildcard $(FUZZ_FOLDER)/corpus/*))

fuzz: ## libFuzzer on each target for FUZZ_SECONDS; needs a C++ compiler
	@RUSTFLAGS="$(FUZZ_FLAGS)" $(CARGO) build --quiet --release --manifest-path $(FUZZ_FOLDER)/libfuzzer/Cargo.toml \
		--target "$$(rustc --print host-tuple)" --target-dir target/fuzz/build
	@for target in $(FUZZ_TARGETS); do \
		echo "== $$target" && mkdir -p target/fuzz/$$target && \
		FUZZ_TARGET=$$target "target/fuzz/build/$$(rustc --print host-tuple)/release/vmtemplate-libfuzzer" \
			-max_total_time=$(FUZZ_SECONDS) -runs=$(FUZZ_RUNS) -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
			-artifact_prefix=target/fuzz/$$target- target/fuzz/$$target $(FUZZ_FOLDER)/corpus/$$target || exit 1; \
	done

# Where `make install` puts the files. LIBDIR may be, for example, /usr/lib/x86_64-linux-gnu, and DESTDIR the root of a
# package.
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
DESTDIR ?=

install: ## the command and the C library, into PREFIX=/usr/local below DESTDIR
	$(CARGO) build --release --quiet -p vmtemplate-cli -p vmtemplate-c
	BUILT="$${CARGO_TARGET_DIR:-target}/release" PREFIX="$(PREFIX)" LIBDIR="$(LIBDIR)" DESTDIR="$(DESTDIR)" \
		sh bindings/c/install.sh
