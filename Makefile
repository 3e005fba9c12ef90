# make up     the site on http://127.0.0.1:8000 and a worker (Ctrl-C stops both)
# make test   install what the tests need and run everything that CI runs
# make full   add torch, TensorFlow and fastai, so that every model can be installed
# make bench  run the benchmarks and print their tables
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help up test full bench clean

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
ARGS ?=

VENV := .venv
RUN := $(VENV)/bin/python
INSTALL := $(RUN) -m pip install --quiet --no-input --disable-pip-version-check --no-compile --prefer-binary

# Modules are compiled when first imported and kept, whatever the shell says: later starts are fast.
export PYTHONDONTWRITEBYTECODE :=

# An environment is up to date when the stamp named after its requirements' checksum exists.
stamp = $(VENV)/$(1)-$(shell cat $(2) 2>/dev/null | cksum | cut -d' ' -f1)
BASE := $(call stamp,base,requirements/base.txt)
TEST := $(call stamp,test,requirements.txt requirements/base.txt requirements/ml.txt requirements/train.txt requirements/dev.txt)
FULL := $(call stamp,full,requirements.txt requirements/base.txt requirements/ml.txt requirements/train.txt)

help:
	@sed -n 's/^# make/make/p' Makefile

up: $(BASE)
	@exec $(RUN) manage.py up --host $(HOST) --port $(PORT)

test: $(TEST)
	@bash .ci/system
	@exec $(RUN) -m pytest $(ARGS)

full: $(FULL)
	@$(RUN) manage.py doctor

bench: $(TEST)
	@exec $(RUN) benchmarks/run.py $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

$(VENV)/created:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("COLORIA needs Python 3.11 or newer; this is %d.%d. Name another one: make up PYTHON=python3.12" % sys.version_info[:2])'
	@$(PYTHON) -c 'import ensurepip' || { echo 'Python lacks ensurepip. On Debian: apt install python3-venv'; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(BASE): $(VENV)/created
	@echo 'Installing the site and the bundled model into $(VENV) (once, about a minute) ...'
	@$(INSTALL) -r requirements/base.txt
	@touch $@

$(TEST): $(VENV)/created
	@echo 'Installing everything that the tests need, all frameworks, into $(VENV) (once, several GB) ...'
	@$(INSTALL) -r requirements.txt -r requirements/dev.txt
	@touch $@

$(FULL): $(VENV)/created
	@echo 'Installing torch, TensorFlow and fastai into $(VENV) (once, several GB) ...'
	@$(INSTALL) -r requirements.txt
	@touch $@
