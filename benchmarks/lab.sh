#!/usr/bin/env bash
# A real Slurm of two nodes (n1, n2) with two CPUs and two make-believe GPUs each, all on this one machine.
#   lab.sh start FOLDER | stop FOLDER | crash FOLDER NODE | node FOLDER NODE | away FOLDER SECONDS
# Needs root and the Debian packages slurm-wlm and munge; installs nothing. Everything lies below FOLDER but two links
# in /etc/slurm: jobs lose SLURM_CONF before their inner srun, so Slurm has to be found where it looks by itself.
set -euo pipefail
verb=$1 lab=$(realpath -m "$2") host=$(hostname -s)
export SLURM_CONF=$lab/slurm.conf
links="slurm.conf gres.conf"

write_conf() {
  mkdir -p "$lab"/{state,spool,devices}
  head -c 1024 /dev/urandom > "$lab/munge.key" && chmod 400 "$lab/munge.key"
  # Slurm wants device files for GPUs: copies of /dev/null do.
  for gpu in 0 1; do mknod "$lab/devices/nvidia$gpu" c 1 3; done
  echo "Name=gpu File=$lab/devices/nvidia[0-1]" > "$lab/gres.conf"
  cat > "$SLURM_CONF" <<CONF
ClusterName=lab
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${LAB_PORT:-26800}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$lab/munge.socket
CredType=cred/munge
StateSaveLocation=$lab/state
SlurmdSpoolDir=$lab/spool/%n
SlurmctldPidFile=$lab/slurmctld.pid
SlurmdPidFile=$lab/slurmd-%n.pid
SlurmctldLogFile=$lab/slurmctld.log
SlurmdLogFile=$lab/slurmd-%n.log
# No systemd and no cgroups; memory is watched all the same.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
# Quick, and true to a cluster otherwise. Without DefMemPerCPU the first job takes all memory of its node.
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=500
ReturnToService=2
SlurmctldTimeout=10
SlurmdTimeout=10
InactiveLimit=0
KillWait=10
MinJobAge=300
GresTypes=gpu
NodeName=n[1-2] NodeHostname=$host NodeAddr=127.0.0.1 Port=$((${LAB_PORT:-26800} + 1))-$((${LAB_PORT:-26800} + 2)) CPUs=2 RealMemory=16000 Gres=gpu:2
PartitionName=lab Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP
CONF
}

# A daemon whose parent does not reap it stays as a zombie, which kill -0 takes for alive.
# A number that another process has got since is no daemon either.
alive() {
  local status
  [ -s "$1" ] && status=/proc/$(cat "$1")/status || return 1
  grep -Eqs '^Name:[[:space:]]*(slurm|munge)' "$status" && grep -qs '^State:[[:space:]]*[^Z]' "$status"
}

wait_for() { # seconds command...
  local tries=$(($1 * 10)); shift
  until "$@"; do tries=$((tries - 1)); [ $tries -gt 0 ] || return 1; sleep 0.1; done
}

nodes_up() { [ "$(sinfo -h -N -t idle,alloc,mix -o %N 2>/dev/null | sort -u | wc -l)" -eq 2 ]; }
all_gone() { local pid; for pid in "$lab"/*.pid; do ! alive "$pid" || return 1; done; }
# A lab that was killed leaves its links behind, and nothing of it runs: they may be replaced.
ended() { [ -e "$1/munge.key" ] && lab=$1 all_gone; }

start() {
  local link other
  for link in $links; do
    other=$(dirname "$(readlink "/etc/slurm/$link" || echo "/etc/slurm/$link")")
    if [ -e "/etc/slurm/$link" ] && [ "$other" != "$lab" ] && ! ended "$other"; then
      echo "lab.sh: /etc/slurm/$link is another Slurm's: this machine has one already." >&2; exit 1
    fi
  done
  [ -e "$SLURM_CONF" ] || write_conf
  mkdir -p /etc/slurm
  for link in $links; do ln -sfn "$lab/$link" "/etc/slurm/$link"; done
  alive "$lab/munged.pid" || munged --force --key-file="$lab/munge.key" --socket="$lab/munge.socket" \
    --pid-file="$lab/munged.pid" --log-file="$lab/munged.log" --seed-file="$lab/munge.seed"
  alive "$lab/slurmctld.pid" || slurmctld
  for node in n1 n2; do alive "$lab/slurmd-$node.pid" || slurmd -N "$node"; done
  wait_for 30 nodes_up || { echo "lab.sh: Slurm did not come up; see $lab/*.log" >&2; sinfo -N -l >&2; exit 1; }
}

stop() {
  local pid link
  scancel --user="$(id -un)" 2>/dev/null || true
  wait_for 15 bash -c '[ -z "$(squeue -h 2>/dev/null)" ]' || true
  for pid in "$lab"/slurmd-*.pid "$lab"/slurmctld.pid "$lab"/munged.pid; do
    if alive "$pid"; then kill "$(cat "$pid")" || true; fi
  done
  wait_for 15 all_gone || echo "lab.sh: some daemons are still ending" >&2
  for link in $links; do
    [ "$(readlink "/etc/slurm/$link")" != "$lab/$link" ] || rm "/etc/slurm/$link"
  done
}

below() { local child; for child in $(ps -o pid= --ppid "$1"); do below "$child"; echo "$child"; done; }

# Ends a node as a power cut does: its daemon, its job steps and all that they run, at once.
crash() {
  local node=$1 job step pids
  pids=$(cat "$lab/slurmd-$node.pid")
  for job in $(squeue -h -t R -w "$node" -o %A); do
    for step in $(ps -eo pid=,args= | awk -v name="slurmstepd: [$job." 'index($0, name) {print $1}'); do
      pids="$pids $step $(below "$step")"
    done
  done
  # shellcheck disable=SC2086
  kill -KILL $pids 2>/dev/null || true
}

# Takes the controller away for some seconds, as a restart of it or of its network does.
away() {
  kill -KILL "$(cat "$lab/slurmctld.pid")"
  sleep "$1"
  slurmctld
  wait_for 30 nodes_up || true
}

case $verb in
  start) start ;;
  stop) stop ;;
  crash) crash "$3" ;;
  node) alive "$lab/slurmd-$3.pid" || slurmd -N "$3" ;;
  away) away "$3" ;;
  *) echo "usage: lab.sh start|stop FOLDER, crash|node FOLDER NODE, or away FOLDER SECONDS" >&2; exit 2 ;;
esac
