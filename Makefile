# What a newcomer types. `make run` and `make test` need Python 3.11 or newer and nothing else.

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-annotate --no-header \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.DEFAULT_GOAL := help
.PHONY: help run hsm test lint fix types bench docs lock clean

help:  ## list these commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

run: .venv/.runtime  ## start the console at http://127.0.0.1:8000 (PORT=... for another port)
	@exec $(BIN)/python manage.py serve

hsm: .venv/.hsm  ## install what a root key in a PKCS#11 token needs

test: .venv/.dev  ## run every test
	@$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

lint: .venv/.dev types  ## check format, lint rules and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

fix: .venv/.dev  ## format, and mend what the linter can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: .venv/.dev  ## check types, strictly
	@$(BIN)/mypy

bench: .venv/.dev  ## measure, as ratios to a bare view
	@$(BIN)/python -m benchmarks $(ARGS)

docs: .venv/.dev  ## write docs/reference anew from the code
	@$(BIN)/python manage.py write_reference

lock: .venv/.dev  ## pin the newest versions that pyproject.toml allows
	@$(PIP) install pip-tools
	@$(COMPILE) --upgrade --output-file requirements.txt pyproject.toml
	@$(COMPILE) --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml
	@$(COMPILE) --extra hsm --constraint requirements-dev.txt --output-file requirements-hsm.txt pyproject.toml
	@# A dependency that Python 3.11.0 to 3.11.2 alone needs, and that a newer one therefore does not pin.
	@echo async-timeout | $(COMPILE) --output-file - - \
		| sed 's/^\(async-timeout==[^ ]*\)/\1 ; python_full_version < "3.11.3"/' \
		| tee -a requirements.txt requirements-hsm.txt >> requirements-dev.txt

clean:  ## forget the virtual environment; what is under KMS_HOME stays
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "KMS Console needs Python 3.11 or newer; none was found." >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "Python cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

.venv/.runtime: requirements.txt | .venv/bin/python
	@echo "Installing what KMS Console is made of (once) ..."
	@$(PIP) install --require-hashes --only-binary :all: --requirement requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt | .venv/bin/python
	@echo "Installing what the tests need (once) ..."
	@$(PIP) install --require-hashes --only-binary :all: --requirement requirements-dev.txt
	@touch $@ .venv/.runtime

.venv/.hsm: requirements-hsm.txt | .venv/bin/python
	@$(PIP) install --require-hashes --only-binary :all: --requirement requirements-hsm.txt
	@touch $@ .venv/.runtime
