"""How jobs start: the shell that they run in, and the checks before."""

import snakemake_logger_plugin_vistok as teller
from vistok.workflow.expected import expect
from vistok.workflow.report import results
from vistok.workflow.jobs import fork_jobs, prefix
from vistok.workflow.scheduling import adjust

# One line per job: what jobs print themselves goes to their logs only.
SHORT = teller.is_used(workflow.output_settings)

shell.prefix(prefix(quiet=SHORT))


def begin():
    """Refuses to start jobs that could not finish, or next to another running snakemake."""
    global LOCK
    limit = workflow.global_resources.get("gpu")
    adjust(workflow)
    with checks.refusals():
        LOCK = earlier.hold(SCALE)
        earlier.check_no_jobs()
        checks.check_start(
            FILES, sys.argv[1:], None if limit is None or limit.value is None else int(limit.value)
        )
        jobs = [(job.rule.name, dict(job.wildcards.items())) for job in workflow.dag.needrun_jobs()]
        checks.check_jobs(STUDY, jobs, local=workflow.local_exec)
        if workflow.local_exec:
            fork_jobs(MODELS, len(jobs))
        else:
            earlier.submit_patiently()
        if SHORT:
            cores = workflow.global_resources.get("_cores")
            teller.begin(expect(STUDY, jobs, int(cores.value) if workflow.local_exec and cores else 50))


def tell_results():
    """Reports where the requested tables are, and their first numbers."""
    made = {str(path) for job in workflow.dag.jobs for path in job.output}
    if SHORT:
        teller.tell(results(path for path in FILES.tables() if path in made))
