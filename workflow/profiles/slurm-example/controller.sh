#!/usr/bin/env bash
# Where long processes are forbidden on the login node: snakemake itself as a small job, which submits the others.
#   sbatch workflow/profiles/slurm-example/controller.sh --config scale=paper        (from the checkout's root)
# When its time is up it ends and leaves its jobs at work; submit it again when they have ended (squeue). It refuses
# to start beside them.
#SBATCH --job-name=vistok-controller
#SBATCH --account=my-account
#SBATCH --partition=cpu
#SBATCH --time=7-00:00:00
#SBATCH --cpus-per-task=1
#SBATCH --mem=4000
#SBATCH --no-requeue
#SBATCH --output=vistok-controller-%j.log
set -euo pipefail
. .venv/bin/activate
# Jobs must not inherit what this job was given.
for name in $(compgen -e | grep -E '^(SLURM|SBATCH|SRUN)_' | grep -v '^SLURM_CONF$'); do unset "$name"; done
exec snakemake paper_tables --workflow-profile "${PROFILE:-workflow/profiles/slurm-example}" "$@"
