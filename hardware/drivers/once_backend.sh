#!/bin/sh
# A CUPS backend that lets each job leave for its printer once.
#
# A print server that stops in mid-print begins every unfinished job again from its first page when it comes back, and
# some faults make it send a job a second time while it runs. This backend stands before the real one, as in
# `once:/ipp://host/ipp/print`, marks the job's uuid (job numbers are used again after a power cut) and refuses what is
# marked: the job then ends as canceled, and whoever ordered it finds out from the printer what came out. The real
# backend dies with the print server, lest it deliver a job later that nobody waits for any more.
#
# Marks lie in the server's cache folder for 30 days. Source: backend(7), CUPS 2.4; exit 4 stops the queue, 5 cancels
# the job.
set -eu

[ $# -gt 0 ] || exit 0 # discovery: it has no devices of its own
uri=${DEVICE_URI:-$0}
case $uri in once:/*) uri=${uri#once:/} ;; *) echo "ERROR: not a once:/ address" >&2; exit 4 ;; esac
scheme=${uri%%:*}
case $scheme in *[!a-z0-9]* | once | "") echo "ERROR: no backend of that name" >&2; exit 4 ;; esac
real=$(dirname "$0")/$scheme
[ -x "$real" ] || real=${CUPS_SERVERBIN:-/usr/lib/cups}/backend/$scheme
[ -x "$real" ] || { echo "ERROR: no backend $scheme" >&2; exit 4; }

uuid=
for option in $5; do
    case $option in job-uuid=urn:uuid:*) uuid=${option#job-uuid=urn:uuid:} ;; esac
done
case $uuid in *[!0-9a-f-]* | "") echo "ERROR: a job without a uuid" >&2; exit 5 ;; esac

# The parent must be alive after the signal for its death was asked for, else nobody would send it.
server=$PPID
[ "$server" -ne 1 ] || exit 5

marks=${CUPS_CACHEDIR:-/var/cache/cups}/once
mkdir -p "$marks"
find "$marks" -type f -mtime +30 -delete
if ! (set -C && echo "$1" >"$marks/$uuid") 2>/dev/null; then
    [ -e "$marks/$uuid" ] || { echo "ERROR: cannot mark the job" >&2; exit 4; }
    echo "INFO: This job has left for the printer before; it is not sent again." >&2
    exit 5
fi
sync "$marks/$uuid" "$marks"

DEVICE_URI=$uri
export DEVICE_URI
# shellcheck disable=SC2016
exec setpriv --pdeathsig KILL /bin/sh -c '
    server=$1 real=$2
    shift 2
    read -r _ _ _ parent _ <"/proc/$$/stat"
    [ "$parent" = "$server" ] || exit 5
    exec "$real" "$@"
' once "$server" "$real" "$@"
