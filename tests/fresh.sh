#!/bin/sh
# The README's two commands where they have never been run, in a path with a space:
#   tests/fresh.sh clone [COMMAND]     in a clone
#   tests/fresh.sh zip [COMMAND]       in a download, which has no git
#   tests/fresh.sh user [COMMAND]      in a clone of a user who is not root; started by root
#   tests/fresh.sh debian [COMMAND]    in a new Debian with git, make and Python alone; by root, needs
#                                      debootstrap and its mirror, and 15 GB
# COMMAND is 'make && make test' unless another is given. What was made stays in FRESH, or in a
# folder of its own below /var/tmp. WITH names files, as /etc/pip.conf, that the new Debian needs of
# this machine to reach the registries.
set -eu

kind=${1:-}
command=${2:-make && make test}
project=$(cd "$(dirname "$0")/.." && pwd)
fresh=${FRESH:-/var/tmp/fresh-$kind}
folder="$fresh/a study"

clone() {
    mkdir -p "$fresh"
    git clone --quiet --no-hardlinks "$project" "$folder"
}

case $kind in
    clone)
        clone
        cd "$folder"
        sh -c "$command"
        ;;
    zip)
        mkdir -p "$fresh"
        git -C "$project" archive --prefix="a study/" HEAD | tar -x -C "$fresh"
        cd "$folder"
        GIT_CEILING_DIRECTORIES="$fresh" sh -c "$command"
        ;;
    user)
        clone
        id fresh > /dev/null 2>&1 || useradd --create-home fresh
        chown -R fresh: "$fresh"
        cd "$folder"
        runuser -u fresh -- env HOME=/home/fresh sh -c "$command"
        ;;
    debian)
        packages=ca-certificates,git,make,python3,python3-venv
        debootstrap --variant=minbase --include="$packages" bookworm "$fresh"
        for file in /etc/resolv.conf ${WITH:-}; do
            mkdir -p "$fresh${file%/*}"
            cp -L "$file" "$fresh$file"
        done
        for own in proc sys dev; do
            mount --rbind "/$own" "$fresh/$own"
        done
        trap 'umount --recursive --lazy "$fresh/proc" "$fresh/sys" "$fresh/dev"' EXIT
        clone
        chroot "$fresh" env HOME=/root sh -c "cd '/a study' && $command"
        ;;
    *)
        sed -n 's/^# \{0,1\}//p' "$0"
        exit 2
        ;;
esac
