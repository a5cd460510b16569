"""How jobs start: what they find, what they ask for, and what keeps them from starting."""

import fcntl
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from vistok.files import no_folder
from vistok.grid.scale import LAUNCHED, RESUMED
from vistok.grid.targets import check_target
from vistok.planning.needs import absent_photographs, absent_questions
from vistok.versions.record import waiting

MOST_GROWTH = 3

# Snakemake knows nothing of files that DVC brought, and would take any version of them for its own.
if pulled := waiting():
    raise SystemExit(f"vistok: DVC has brought {len(pulled)} results ({pulled[0].parent} ...): vistok adopt")

# Jobs find `vistok` beside this snakemake, never ask a model hub, and fail where vistok does, not its log. A cluster
# sends SIGTERM to every process of a job: the shell and its log outlive it, for vistok has a state to save first.
shell.prefix(
    "set -euo pipefail; trap '' TERM; "
    f"export PATH={shlex.quote(os.path.dirname(sys.executable))}:$PATH "
    "HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 TRANSFORMERS_OFFLINE=1; "
)


def refuse_unless(fit):
    """Refuses to go on where a folder that is written to, or that will hold it, is not fit for it."""
    for folder in (f"results/{RESULTS}", f"paper_tables/{RESULTS}", "checkpoints", "shards", "state", "logs"):
        there = next(path for path in (Path(folder), *Path(folder).parents) if path.exists())
        if not fit(there):
            raise SystemExit(
                f"vistok: cannot write to {folder}: {there} is no folder that can be written to. Make it one, "
                "then start the same command again."
            )


# Said here: where a file is in a folder's place, Snakemake itself would break before it starts.
refuse_unless(os.path.isdir)


def begin():
    """Refuses to start jobs that could not end, or beside another snakemake that is at work here."""
    global LOCK
    LOCK = open(f".snakemake/{SCALE}.lock", "w")
    try:
        # Held by the kernel for as long as this process lives: unlike Snakemake's own, none outlives a kill.
        fcntl.flock(LOCK, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(
            "vistok: another snakemake is at work on this scale: wait until it ends, or stop it."
        )
    if jobs := left_behind():
        raise SystemExit(
            f"vistok: {len(jobs)} job(s) of an earlier start are still queued or running here: {' '.join(jobs)}. "
            "They would write the same files. Wait until they end (squeue), or cancel them: "
            f"scancel {' '.join(jobs)}. Then start the same command again."
        )
    most = max((job.gpus for job in MODELS.scale.resources.values()), default=0)
    limit = workflow.global_resources.get("gpu")
    given = most if limit is None or limit.value is None else int(limit.value)
    if given < most:
        raise SystemExit(
            f"vistok: a job of the scale {MODELS.scale.id!r} asks for {most} GPUs, and snakemake would give it "
            f"{given}. Raise `resources: gpu` in the profile, or --resources gpu={most}."
        )
    refuse_unless(lambda folder: os.access(folder, os.W_OK))
    for study in (STUDY, MODELS):
        if not study.scale.world and not os.path.isdir(study.scale.data_root):
            raise SystemExit(
                f"vistok: the data root {study.scale.data_root} of the scale {study.scale.id!r} "
                f"{no_folder(Path(study.scale.data_root))}. Name the folder that holds the official files: "
                f"--config data_root=FOLDER (or data_root in {study.scale_file})."
            )
    if not FETCHING and all(
        absent_questions(STUDY, task) or absent_photographs(STUDY, task) for task in SUITE
    ):
        raise SystemExit(
            f"vistok: no task has its question files and photographs in {STUDY.scale.data_root}. Lay those of "
            f"at least one there (vistok doctor --scale {STUDY.scale.id} names them), then start the same command again."
        )


def left_behind():
    """Returns the ids of cluster jobs that an earlier snakemake, since killed, submitted from this folder.

    They live on without it; the executor's comment tells them from the job that a controller itself may run in.
    """
    squeue = shutil.which("squeue")
    if not squeue:
        return []
    asked = subprocess.run(
        [squeue, "--noheader", "--format=%A|%k|%Z"], capture_output=True, text=True, timeout=120
    )
    if asked.returncode:
        if workflow.local_exec:
            return []
        raise SystemExit(f"vistok: cannot ask whether earlier jobs still run: {asked.stderr.strip()}")
    jobs = [line.split("|", 2) for line in asked.stdout.splitlines()]
    return [
        job
        for job, comment, folder in jobs
        if comment.startswith("rule_") and os.path.realpath(folder) == os.getcwd()
    ]


def size_of(study, step):
    """Returns what a job asks for: more memory and, but for trainings, more time at each of three attempts.

    A training goes on from its saved state, and a cluster refuses a job that asks for more time than it allows.
    """
    job = study.scale.job(step)

    def longer(wildcards, attempt):
        return min(attempt, MOST_GROWTH) * job.minutes

    return {
        "mem_mb": lambda wildcards, attempt: min(attempt, MOST_GROWTH) * job.memory_mb,
        "runtime": job.minutes if step in RESUMED else longer,
        "cpus_per_task": job.cpus,
        **({"gpu": job.gpus} if job.gpus else {}),
        **({"launch": "env"} if step in LAUNCHED else {}),
        **(several_processes(job) if job.gpus > 1 else {}),
    }


def several_processes(job):
    """Returns what a job of one process a GPU asks for, and the command that starts them."""
    srun = f"srun --kill-on-bad-exit --ntasks={job.gpus} --nodes={job.nodes} --cpus-per-task={job.cpus}"
    torchrun = f"torchrun --standalone --no-python --nproc-per-node={job.gpus}"
    return {
        "nodes": job.nodes,
        "tasks": job.gpus,
        "tasks_per_gpu": 0,  # else the executor asks for `tasks` on each GPU
        "mpi": "srun",  # else the executor starts the shell itself in a step of one process
        "launch": srun if shutil.which("srun") else torchrun,
    }


# Said here, for Snakemake names nothing legal.
try:
    for word in sys.argv[1:]:
        check_target(STUDY, word)
except VistokError as error:
    raise SystemExit(f"vistok: {error}") from None

# Said here, for Snakemake would say nothing: it takes a table that is there for granted if it cannot make it.
# Not where they are about to be fetched.
FETCHING = any("paper_data" in word or "data/fetched/" in word for word in sys.argv)
for tokenizer in dict.fromkeys(run.tokenizer for run in STUDY.runs()):
    for weights in local_weights(tokenizer):
        fetched = downloads_for(MODELS.encoder(tokenizer).weights, DOWNLOADS)
        if os.path.exists(weights) or (fetched and FETCHING):
            continue
        advice = f"Fetch them (vistok fetch {fetched[0].id})" if fetched else "Lay them there"
        if MODELS.scale.world and not os.path.isabs(MODELS.encoder(tokenizer).weights):
            advice = (
                f"{MODELS.scale.data_root} is what a job makes: lay them elsewhere, with an absolute path"
            )
        raise SystemExit(
            f"vistok: the weights of the tokenizer {tokenizer!r} are not there: {weights}. {advice}, or mend its "
            "`weights` in workflow/grid/tokenizers.yaml."
        )
