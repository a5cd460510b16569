#!/usr/bin/env bash
# For login nodes that forbid long processes: runs snakemake itself as a small job, which submits the others.
#   sbatch workflow/profiles/slurm-example/controller.sh --config scale=paper        (from the checkout's root)
# At its time limit it ends and leaves its jobs running; submit it again when they have ended (squeue). It refuses
# to start before that.
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
# Jobs must not inherit this job's resources.
for name in $(compgen -e | grep -E '^(SLURM|SBATCH|SRUN)_' | grep -v '^SLURM_CONF$'); do unset "$name"; done
exec snakemake paper_tables --workflow-profile "${PROFILE:-workflow/profiles/slurm-example}" "$@"
