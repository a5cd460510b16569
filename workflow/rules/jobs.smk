"""How jobs start: the shell that they run in, and what keeps them from starting."""

import os

import snakemake_logger_plugin_vistok as teller
from vistok.chain.checkpoints import IN_WORKFLOW
from vistok.workflow.expected import expect
from vistok.workflow.report import results

# One line a job: what jobs print themselves stands in their logs alone.
SHORT = teller.is_used(workflow.output_settings)

# Jobs find `vistok` beside this snakemake, never ask a model hub, and fail where vistok does, never where their log
# cannot be written. A cluster sends SIGTERM to every process of a job: the shell and the log outlive it, for vistok has
# a state to save first.
shell.prefix(
    "set -euo pipefail; trap '' TERM; "
    f"export PATH={shlex.quote(os.path.dirname(sys.executable))}:$PATH "
    f"{IN_WORKFLOW}=1 HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 TRANSFORMERS_OFFLINE=1; "
    + ("exec > /dev/null; " if SHORT else "")
)


def begin():
    """Refuses to start jobs that could not end, or beside another snakemake that is at work here."""
    global LOCK
    limit = workflow.global_resources.get("gpu")
    with checks.refusals():
        LOCK = earlier.hold(SCALE)
        earlier.check_no_jobs()
        checks.check_start(
            FILES, sys.argv[1:], None if limit is None or limit.value is None else int(limit.value)
        )
        jobs = [(job.rule.name, dict(job.wildcards.items())) for job in workflow.dag.needrun_jobs()]
        checks.check_jobs(STUDY, jobs, local=workflow.local_exec)
        if not workflow.local_exec:
            earlier.submit_patiently()
        if SHORT:
            cores = workflow.global_resources.get("_cores")
            teller.begin(expect(STUDY, jobs, int(cores.value) if workflow.local_exec and cores else 50))


def tell_results():
    """Tells where the tables are that were asked for, and their first numbers."""
    made = {str(path) for job in workflow.dag.jobs for path in job.output}
    if SHORT:
        teller.tell(results(path for path in FILES.tables() if path in made))
