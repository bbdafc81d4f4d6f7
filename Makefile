# Thin on purpose: everything is in packaging/setup_environment.py, which also runs where there is no make.
#   make run                 set up what is missing, then open Loreleaf
#   make run ARGS="list"     the same, with a command of the terminal
#   make test                set up what is missing, then check everything and run the tests
# Variables: PYTHON (which Python sets up), TORCH (cpu or cuda), ARGS.

PYTHON ?= python3
ARGS ?=
SETUP = $(if $(TORCH),LORELEAF_TORCH=$(TORCH) )$(PYTHON) packaging/setup_environment.py

.PHONY: run test check coverage bench clean

run:
	@$(SETUP) run $(ARGS)

test:
	@$(SETUP) test $(ARGS)

check:
	@$(SETUP) check

coverage:
	@$(SETUP) coverage

bench:
	@$(SETUP) bench $(ARGS)

clean:
	@$(SETUP) clean
