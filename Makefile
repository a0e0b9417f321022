# Each target does all of its own set-up: a virtual environment from constraints.txt, nothing else but Python >= 3.11.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo edit test lint format lock clean

demo: $(VENV)/.ready
	$(BIN)/dgemma-lsp fill --in-process --diff bench/demo/show.py:8:11

edit: $(VENV)/.ready
	nvim --cmd 'set runtimepath^=$(CURDIR)/editors/nvim' '+call cursor(8, 10)' bench/demo/show.py

test: $(VENV)/.ready
	$(BIN)/python -m pytest $(TESTS)

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What is locked stays as it is where it still fits; LOCK=--upgrade takes the newest. Looked up on PyPI, whose torch has no build
# tag, so that a machine with CUDA takes that build, and one without may take the same version from PyTorch's CPU index.
lock: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra cuda --group dev --no-annotate $(LOCK) \
		--custom-compile-command 'make lock' --output-file constraints.txt pyproject.toml

clean:
	rm -rf $(VENV) .cache dist build

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; name one with PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable . --group dev
	@touch $@
