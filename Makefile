# Two commands do it all:
#   make        set up, run the default study, leave the paper in paper/main.pdf
#   make test   set up what is missing and run the tests
# `make new NAME=my_system` lays out a replication, with DATA=data/my_pictures one on pictures of your
# own; `make new-paper FOLDER=~/my-paper REPLICATIONS="uncertainty mti_net"` a paper of your own,
# which compiles where it is; with REFRESH=1 its numbers are brought up to date.
# After `. .venv/bin/activate`, plain `snakemake --cores all` does the middle part.

PYTHON ?= python3.11
CORES ?= all
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.DEFAULT_GOAL := study
.PHONY: study test help new new-paper lint format setup tex lock clean

study: setup
	snakemake --cores $(CORES)
	@echo "The paper is in paper/main.pdf, the tables it is made from are in results/, and all of it"
	@echo "to look at in a browser is in results/quick/index.html."

test: setup
	OMP_NUM_THREADS=1 pytest -n logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder

help: .venv/complete
	@sed -n 's/^# \{0,1\}//p' Makefile | sed '/^$$/q'
	@snakemake --cores 1 --quiet all -- help

new: .venv/complete
	python workflow/scripts/new_replication.py $(if $(DATA),--data $(DATA)) \
		$(or $(NAME),$(error call: make new NAME=my_system))

new-paper: .venv/complete
	python workflow/scripts/new_paper.py --replications $(REPLICATIONS) $(if $(REFRESH),--refresh) -- \
		$(or $(FOLDER),$(error call: make new-paper FOLDER=~/my-paper REPLICATIONS="uncertainty"))

lint: .venv/complete
	ruff check .
	ruff format --check .
	snakefmt --check workflow
	mypy
	snakemake --lint

format: .venv/complete
	ruff check --fix .
	ruff format .
	snakefmt workflow

setup: .venv/complete tex

.venv/complete: requirements.txt workflow/scripts/make_venv.sh
	workflow/scripts/make_venv.sh $(PYTHON)

tex:
	@workflow/scripts/install_latex.sh

lock: .venv/complete
	uv pip compile --quiet --universal --python-version 3.11 --no-annotate --upgrade \
		--custom-compile-command "make lock" requirements.in --output-file requirements.txt

clean:
	rm -rf $(filter-out results/README.md results/reading.ipynb results/published, \
		$(wildcard results/*)) data/streets data/prepared paper/*.pdf .snakemake
