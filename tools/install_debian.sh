#!/bin/sh
# Install the Debian packages in $PACKAGES that are missing: as root by apt-get, else say so in one line and go on.
set -eu

missing=""
for package in ${PACKAGES:-}; do
    if ! dpkg -s "$package" >/dev/null 2>&1; then
        missing="$missing $package"
    fi
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "Not root: these Debian packages are missing, and tests that need them are left out:$missing"
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet=2
# shellcheck disable=SC2086
apt-get install --yes --quiet=2 --no-install-recommends $missing
