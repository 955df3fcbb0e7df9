#!/bin/sh
# Start a SLURM of one node on this machine, as root, for `pytest tests/test_slurm.py`:
#   tests/slurm.sh start [FOLDER]     install what is missing, start
#   tests/slurm.sh stop
set -eu

folder=${2:-/var/tmp/one-node-slurm}
node=$(hostname -s)

stop() {
    for daemon in slurmd slurmctld; do
        [ ! -s "$folder/$daemon.pid" ] || kill "$(cat "$folder/$daemon.pid")" 2> /dev/null || true
    done
}

start() {
    if [ -e /etc/slurm/slurm.conf ] && ! grep -q one_node /etc/slurm/slurm.conf; then
        echo "/etc/slurm/slurm.conf is of another SLURM" >&2
        exit 1
    fi
    if ! command -v slurmctld > /dev/null || ! command -v munged > /dev/null; then
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends slurm-wlm munge > /dev/null
    fi
    stop
    mkdir -p "$folder/state" "$folder/spool" /run/munge /etc/slurm
    chown munge: /run/munge
    [ -s /etc/munge/munge.key ] || runuser -u munge -- mungekey
    pgrep -x munged > /dev/null || runuser -u munge -- munged
    memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
    cat > /etc/slurm/slurm.conf << END
ClusterName=one_node
SlurmctldHost=$node
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
ReturnToService=2
MinJobAge=3600
NodeName=$node CPUs=$(nproc) RealMemory=$memory State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
    slurmctld
    slurmd
    for _ in $(seq 30); do
        if sinfo --noheader --format %T | grep -q idle; then
            sinfo
            return
        fi
        sleep 1
    done
    echo "SLURM did not start; see $folder/*.log" >&2
    exit 1
}

case ${1:-} in
    start) start ;;
    stop) stop ;;
    *) sed -n 's/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
