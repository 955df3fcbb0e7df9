# What a person sees while a study trains: one line in a terminal, a page in a browser.

import itertools
import logging
import os
import shutil
import subprocess
import threading

if sys.platform == "win32":
    raise WorkflowError(
        "Windows by itself is not supported; install WSL2 (wsl --install) and call this in there"
    )

import fcntl

from snakemake.logging import logger as snakemake_logger

from replications.core.evidence.failures import in_few_lines
from replications.core.evidence.progress import Pending, StudyProgress

# What each job says is in its log. In a terminal one line that stays tells how far all are.
TERMINAL = sys.stderr.isatty() and sys.stdout.isatty()
PAUSE = 1 if TERMINAL else 10  # seconds between two looks at how far the study is
EVERY = 10 if TERMINAL else 1  # looks between two versions of the page on that
ERASE = "\r\x1b[2K"


class Telling:
    """Says how far the study is and how long the rest will take: in a terminal in a line that
    stays, elsewhere whenever a training has ended; and in a page beside the results."""

    def __init__(self, workflow):
        pending = [
            Pending(
                job.wildcards.replication, job.wildcards.run, int(job.wildcards.seed)
            )
            for job in workflow.dag.needrun_jobs()
            if job.rule.name == "train"
        ]
        self.workflow, self.pending = workflow, pending
        self.progress, self.said = StudyProgress(TRAINING, Path(RESULTS), pending), ""
        self.study = f"[study {STUDY.config.study}]"
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.go_on, daemon=True)

    def go_on(self):
        """Tell for as long as jobs run."""
        for look in itertools.count():
            running = list(self.workflow.scheduler.running)
            line = self.line(running)
            if self.pending and look % EVERY == 0:
                self.write_page(line, running)
            if self.ended.wait(PAUSE):
                return

    def line(self, running):
        """How far the study is; said if it is time to."""
        line = self.progress.line() if self.pending else "nothing to train"
        if TERMINAL:
            others = sorted({job.rule.name for job in running} - {"train", "all"})
            width = shutil.get_terminal_size().columns - 1
            told = f"{self.study} {'; '.join([line, *others])}"[:width]
            print(ERASE, told, sep="", end="", file=sys.stderr, flush=True)
        elif self.pending and line.partition(";")[0] != self.said.partition(";")[0]:
            print(self.study, line, file=sys.stderr, flush=True)
        self.said = line
        return line

    def write_page(self, line, running):
        """The page that a browser reads again every few seconds."""
        from replications.core.page.watching import (
            followed,
            write_watch,
        )  # takes a while

        trained = [
            followed(" ".join(job.wildcards), Path(job.log[0]))
            for job in running
            if job.rule.name == "train"
        ]
        path, study = Path(RESULTS, "watch.html"), STUDY.config.study
        write_watch(path, study, line, self.progress.counts(), trained)

    def end(self, how):
        """Tell once more, when all jobs have ended."""
        self.ended.set()
        self.thread.join()
        line = self.line([])
        if TERMINAL:
            print(file=sys.stderr)
        if self.pending:
            self.write_page(f"{line}. {how}", [])


class BesideOneLine(logging.Filter):
    """Keeps what Snakemake says of every job from a terminal, and the rest apart from the line."""

    def filter(self, record):
        """Whether a record is shown."""
        event = str(getattr(record, "event", "")).lower()
        about_a_job = event.rpartition(".")[2] in (
            *("job_info", "job_started", "job_finished", "shellcmd"),
            *("progress", "group_info", "resources_info"),
        )
        shown = not about_a_job and not record.getMessage().startswith("Select jobs")
        if shown:
            sys.stderr.write(ERASE)
        return shown


class FailuresInFewLines(logging.Filter):
    """Says what failed, in which file and where more is, in place of all that Snakemake says."""

    def filter(self, record):
        """Whether a record is shown as it is."""
        event = str(getattr(record, "event", "")).lower()
        if event.endswith("job_error"):
            job = " ".join([record.rule_name, *self.told_by(record)])
            log = Path(record.log[0].split(" (")[0]) if record.log else None
            erased = ERASE if TERMINAL else ""
            print(f"{erased}{in_few_lines(job, log)}", file=sys.stderr, flush=True)
            return False
        return not record.getMessage().startswith(
            ("RuleException", "Cannot restore", "Restored", "Exiting because a job")
        )

    def told_by(self, record):
        """The words that tell a job from others of its rule."""
        jobs = [
            job for job in workflow.dag.jobs if workflow.dag.jobid(job) == record.jobid
        ]
        return [str(value) for job in jobs for value in job.wildcards]


def remember_failures(persistence):
    """Let what is restored after a failure stay what it was: not made by the job that failed.

    Snakemake gives it the time of restoring and records it as that job's output, so that the next
    call would find it up to date.
    """
    back_up, restore = persistence.backup_output, persistence.restore_output
    finish, times, restored = persistence.finished, {}, set()

    def backup_output(path):
        times[path] = path.stat().st_mtime_ns
        back_up(path)

    def restore_output(path):
        found = restore(path)
        if found:
            os.utime(path, ns=(times[path], times[path]))
            restored.add(str(path))
        return found

    async def finished(job):
        # What does not finish is incomplete, and made anew by the next call.
        if restored.isdisjoint(map(str, job.output)):
            await finish(job)

    persistence.backup_output = backup_output
    persistence.restore_output = restore_output
    persistence.finished = finished


def refuse_what_only_a_person_can_get():
    """Refuse before anything trains, if the study needs data that cannot be fetched."""
    rules = {job.rule.name for job in workflow.dag.needrun_jobs()}
    names = [rule[6:] for rule in rules if rule.startswith("fetch_")]
    if names:
        from replications.core.data.fetch import refuse_by_hand  # takes a while
    for name in names:
        try:
            refuse_by_hand(records.read_record(name))
        except StudyError as error:
            raise WorkflowError(str(error))


onstart:
    if {job.rule.name for job in workflow.dag.needrun_jobs()} == {"help"}:
        return  # also while a study trains
    refuse_what_only_a_person_can_get()
    # In place of Snakemake's own lock, which a killed process leaves behind: this one goes with
    # the process, so after any kill the next call simply carries on.
    lock_file = Path(".snakemake/study.lock").open("w")
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise WorkflowError(
            "another snakemake is at work in this folder; wait for it to end"
        )
    workflow.study_lock = lock_file
    remember_failures(workflow.persistence)
    # Imports torch when the first job asks for it, and ends with this process. Elsewhere than on
    # Linux forking a process that has imported it is not safe; jobs of a cluster are forked nowhere.
    if sys.platform == "linux" and workflow.local_exec:
        workflow.warm = subprocess.Popen(
            [sys.executable, "workflow/scripts/warm.py", "serve", *PRELOADED],
            stdin=subprocess.PIPE,
            # In large pages, where the system gives them when asked: a step is some 5 % shorter.
            env={"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"} | os.environ,
        )
    for handler in snakemake_logger.handlers:
        if handler.name == "DefaultStreamHandler":
            handler.addFilter(FailuresInFewLines())
            if TERMINAL:
                handler.addFilter(BesideOneLine())
    workflow.telling = Telling(workflow)
    workflow.telling.thread.start()
    # Snakemake's limit of jobs per second starts one more timer with every job that ends, and each
    # wakes the scheduler every second: after some hundreds of jobs that takes a whole core.
    workflow.scheduler.job_rate_limiter = None


onsuccess:
    if hasattr(workflow, "telling"):
        workflow.telling.end("Done.")


onerror:
    if hasattr(workflow, "telling"):
        workflow.telling.end("Stopped: a job has failed, see what Snakemake says.")
