# make demo       train and try two translators on the bundled corpus, in about four minutes
# make test       what CI runs: ruff, mypy, pytest
# make test-all   the same with the slow tests
# make fuzz       20,000 files with random faults for each reader: hours
# make sanitize   the tests of the library under the address and undefined-behaviour sanitizers
# make wheels     wheels for all platforms in dist/
# make docs       the documents as a web site in build/docs, the docstrings included
# make PYTHON=python3.12 ...  takes another interpreter for the environment in .venv

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
DEMO := checkpoints/demo
READY := $(VENV)/ready

.PHONY: demo test test-all fuzz check sanitize wheels docs clean

demo: $(READY)
	$(BIN)/seq2seq train --config data/demo.toml -o $(DEMO) --overwrite
	@echo; echo "Scores on the test set, by what is new in its sentences (data/README.md):"
	$(BIN)/seq2seq evaluate $(DEMO) --src data/test.en --ref data/test.fr --by data/test.kind -o $(DEMO).fr
	@echo; echo "Sentences it has never seen: source, reference, translation"
	@paste data/test.en data/test.fr $(DEMO).fr | awk -F '\t' 'NR % 150 == 75 { print "\n  " $$1 "\n  " $$2 "\n  " $$3 }'
	@echo; echo "What the context c buys: the same sentence with it set to zero"; echo
	@sed -n '75p;525p' data/test.en | $(BIN)/python data/without_context.py $(DEMO)
	@echo; echo "What attention adds: a second model, which looks at the source words at each step, after 600 steps instead of 2,000"
	$(BIN)/seq2seq train --config data/demo.toml --preset attention --set training.max_steps=600 -o $(DEMO)-attention --overwrite
	$(BIN)/seq2seq evaluate $(DEMO)-attention --src data/test.en --ref data/test.fr --by data/test.kind --baseline $(DEMO).fr
	@echo "Try your own: echo 'Where is my cat?' | $(BIN)/seq2seq translate $(DEMO)"

# One process per core; the tests of a file stay together, for what they share.
PYTEST := $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

test: check
	$(PYTEST)

test-all: check
	$(PYTEST) -m ''

fuzz: $(READY)
	SEQ2SEQ_FUZZ=20000 $(BIN)/pytest --numprocesses auto -rP tests/hostile/test_fuzz.py

# A copy of the package, with the library built to report errors in memory and undefined behaviour.
SANITIZED := build/sanitize
SANITIZER := -fsanitize=address,undefined -fno-sanitize-recover=undefined
# Without the test that limits the address space, which the sanitizers need.
NATIVE_TESTS := tests/native tests/inference tests/model/test_gru.py tests/training/test_objective.py -k 'not running_out'

sanitize: $(READY)
	rm -rf $(SANITIZED) && mkdir -p $(SANITIZED) && cp -r seq2seq $(SANITIZED)
	rm -f $(SANITIZED)/seq2seq/native/_library.*
	g++ -std=c++17 -O1 -g -fPIC -shared $(SANITIZER) -fno-math-errno -Wno-psabi seq2seq/native/*.cpp \
		-o $(SANITIZED)/seq2seq/native/_library.so
	LD_PRELOAD="$$(g++ -print-file-name=libasan.so) $$(g++ -print-file-name=libubsan.so)" ASAN_OPTIONS=detect_leaks=0 SEQ2SEQ_FUZZ=50000 \
		PYTHONPATH=$(SANITIZED) $(BIN)/pytest -p no:cacheprovider $(NATIVE_TESTS)

wheels: $(READY)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[wheels]'
	$(BIN)/python release/wheels.py -o dist

docs: $(READY)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[docs]'
	$(BIN)/mkdocs build --quiet --site-dir build/docs
	@echo "build/docs/tutorial/index.html"

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(READY): pyproject.toml constraints.txt $(wildcard seq2seq/native/*.h seq2seq/native/*pp)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "seq2seq needs Python 3.11 or newer; name one with: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "This Python has no venv: install it (Debian, Ubuntu: apt install python3-venv) or name another with make PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $(READY)

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
