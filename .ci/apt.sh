#!/bin/sh
# Installs the Debian packages of packages.txt, or of the list that is named, that are missing; quick and silent when
# none is.
# No daemon is started: a policy-rc.d of 101 stands while apt works, and is taken away again.
set -eu
here=$(dirname "$0")

missing=
for name in $(sed -e 's/#.*//' -e 's/ .*//' "${1:-$here/packages.txt}"); do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $name"
done
# Any Node from 18 on serves; Debian's joins only where there is none.
command -v npm >/dev/null 2>&1 || missing="$missing nodejs npm"
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "These packages are missing and need root or sudo:$missing" >&2; exit 1; }
    as_root=sudo
fi

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '$as_root rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
fi

echo "Installing Debian packages:$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 $missing >.stamps/apt.log 2>&1 ||
    { tail -n 30 .stamps/apt.log >&2; exit 1; }
