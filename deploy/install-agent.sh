#!/bin/sh
# Installs the agent on this host from the directory that this script lies in, and starts it.
# Runs as root, by hand or from the DaemonSet; doing it again changes nothing that is right.
#
#   install-agent.sh [HOST_ROOT]     HOST_ROOT: where the host's / is seen, / if left out
#
# The identity is not installed by it: /etc/lockstep must hold agent.yaml and tls/ of this node
# (`lockstep init`), because what commands a node must not come out of the etcd it restores.
set -eu

host="${1:-/}"
host="${host%/}"
source="$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)"
version="$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$source/package.json")"
release="/opt/lockstep/releases/$version"
unit=/etc/systemd/system/lockstep-agent.service

if [ ! -f "$host/etc/lockstep/agent.yaml" ] || [ ! -f "$host/etc/lockstep/tls/tls.key" ]; then
  echo "install-agent: /etc/lockstep has no agent.yaml or no tls/tls.key; bring this node's directory from 'lockstep init' there first" >&2
  exit 5
fi

# systemctl of the host: directly, or through its own namespaces where / is not the host's.
host_systemctl() {
  if [ -z "$host" ]; then systemctl "$@"; else nsenter --target 1 --mount --uts --ipc --net --pid -- systemctl "$@"; fi
}

changed=no
if [ ! -d "$host$release" ]; then
  mkdir -p "$host/opt/lockstep/releases"
  partial="$host/opt/lockstep/releases/.partial-$version"
  rm -rf "$partial"
  mkdir "$partial"
  for part in bin agent shared node_modules deploy package.json README.md LICENSE; do
    if [ -e "$source/$part" ]; then cp -a "$source/$part" "$partial/"; fi
  done
  # Whole and on disk before it has its name.
  sync -f "$partial"
  mv "$partial" "$host$release"
  changed=yes
fi
if [ "$(readlink "$host/opt/lockstep/current" 2>/dev/null || true)" != "releases/$version" ]; then
  ln -sfn "releases/$version" "$host/opt/lockstep/current.new"
  mv -T "$host/opt/lockstep/current.new" "$host/opt/lockstep/current"
  changed=yes
fi
if ! cmp -s "$source/deploy/systemd/lockstep-agent.service" "$host$unit"; then
  cp "$source/deploy/systemd/lockstep-agent.service" "$host$unit.new"
  sync "$host$unit.new"
  mv "$host$unit.new" "$host$unit"
  changed=yes
fi

if [ "$changed" = yes ]; then
  host_systemctl daemon-reload
  host_systemctl enable lockstep-agent.service
  # An operation that is open lives through this: the ledger holds it.
  host_systemctl restart lockstep-agent.service
  echo "install-agent: $version installed"
else
  host_systemctl is-active --quiet lockstep-agent.service || host_systemctl start lockstep-agent.service
  echo "install-agent: $version is in place"
fi
