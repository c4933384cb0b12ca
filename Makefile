# The same verbs here and in CI. `demo` and `test` work alone, in any order, from a clean clone.
PYTHON ?= python3
BIN := .venv/bin
NODE_MODULES := tests/javascript/node_modules/.installed

PEERS := build/peers-venv
MINUTES ?= 60
# Two more than there are processors: nearly half of what the tests do is waiting.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 2)))

.PHONY: demo test check screenshots bench bench-peers bench-contention bench-contract bench-scale stats soak mutants build lock clean

# A search on a busy machine may end as unknown, and says so: no fault of the demo.
demo: $(BIN)/.installed
	$(BIN)/gateway-harness run --target local --duration 10s --pairs 100
	$(BIN)/gateway-harness capacity --target local --routes native --arrivals constant \
	  --min-rate 40 --level-time 1s --longest-level 4s --precision 25% || test $$? -eq 3

test: $(BIN)/.installed $(NODE_MODULES)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

check: $(BIN)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The pictures of the README, taken anew.
screenshots: $(BIN)/.installed
	$(BIN)/python -m tests.report.screenshots

# The machine must be quiet; options by ARGS, such as ARGS="--only tls --rounds 1".
bench: $(BIN)/.installed
	$(BIN)/python -m tests.bench.run $(ARGS)

# The tools are no dependency of ours; where they cannot be installed, the table says so.
bench-peers: $(BIN)/.installed
	-$(MAKE) --no-print-directory $(PEERS)/.installed $(PEERS)/vllm/.installed
	$(BIN)/python -m tests.bench.presets --venv $(PEERS)
	$(BIN)/python -m tests.bench.llm_tools --venv $(PEERS) $(ARGS)

$(PEERS)/.installed: tests/bench/peers/requirements.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check --requirement tests/bench/peers/requirements.txt
	touch $@

# Of vLLM only the files with its metrics: the package itself needs a GPU's libraries.
$(PEERS)/vllm/.installed: tests/bench/peers/vllm.txt | $(PEERS)/.installed
	$(PEERS)/bin/pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
	  --dest $(PEERS)/vllm --requirement tests/bench/peers/vllm.txt
	$(PEERS)/bin/python tests/bench/peers/unpack.py $(PEERS)/vllm benchmarks
	touch $@

# Makes its own crowd: two busy loops per processor.
bench-contention: $(BIN)/.installed
	$(BIN)/python -m tests.bench.contention $(ARGS)

# The statistics of the verdicts, by simulation; options by ARGS, such as ARGS="--runs 100".
stats: $(BIN)/.installed
	$(BIN)/python -m tests.stats.run $(ARGS)

soak: $(BIN)/.installed
	$(BIN)/python -m tests.bench.soak --minutes $(MINUTES)

# Every known defect and every legal variant against the contract suite; writes contracts/POWER.md.
mutants: $(BIN)/.installed
	$(BIN)/python -m tests.power

bench-contract: $(BIN)/.installed
	$(BIN)/python -m tests.bench.contract

# What the report of a large run costs; options by ARGS, such as ARGS="--rows 100000 --gaps 20".
bench-scale: $(BIN)/.installed
	$(BIN)/python -m tests.bench.scale $(ARGS)

build: $(BIN)/.installed
	$(BIN)/python -m build --no-isolation

# Rewrites the lock file; hashes, no addresses of an index.
lock:
	uv pip compile --quiet pyproject.toml --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --output-file requirements.lock

$(BIN)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# Without npm there is nothing to install, and the tests that need it say what to do.
$(NODE_MODULES): tests/javascript/package-lock.json
	if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund --prefix tests/javascript && touch $@; fi

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist tests/javascript/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
