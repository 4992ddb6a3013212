#!/bin/sh
# install-debian.sh PACKAGE...: installs Debian packages where that needs no password, and starts no service of theirs.
# Ends with 69 where it cannot be done here: not Debian or Ubuntu, or neither root nor sudo without a password.
set -eu

command -v apt-get >/dev/null || exit 69
if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2>/dev/null || exit 69
  exec sudo -n sh "$0" "$@"
fi

# While this file is there, the scripts of packages leave services alone. One that exists is the administrator's.
policy=${POLICY_RC_D:-/usr/sbin/policy-rc.d}
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' INT TERM
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
