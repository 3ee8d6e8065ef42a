# The machine of a cluster: containerd and a kubelet that see all of this machine, and of which nothing stays behind. Everything that
# they start lives in a process namespace of its own, everything that they mount in a mount namespace of its own; both end with the
# shell that waits for the end of its input, however that comes about. Settings come in the environment:
#   FOLDER               of configurations, the image, data and logs; not below /run, /var/lib or /var/log
#   NODE                 the name that the node gets
#   BRIDGE, ADDRESS      the bridge of the pods, which is made here, and what this machine has there
#   CGROUPS              folders that are made in the hierarchies of control groups, for the pods
#   CONTAINERD, KUBELET  the programs
set -eu

if [ "${1-}" != inside ]; then
  clean() {
    ip link delete "$BRIDGE" || true
    # Nothing runs in them any more.
    for each in $CGROUPS; do find "$each" -depth -type d -exec rmdir {} ';' || true; done
  }
  trap clean EXIT
  for each in $CGROUPS; do
    mkdir "$each"
    # Only version 2 has this file; there a group has the controllers that the one above it hands on.
    for controller in $(cat "${each%/*}/cgroup.controllers" 2>/dev/null || true); do echo "+$controller" >"${each%/*}/cgroup.subtree_control" || true; done
  done
  ip link add name "$BRIDGE" type bridge
  ip address add "$ADDRESS/24" dev "$BRIDGE"
  ip link set "$BRIDGE" up
  unshare --mount --pid --fork --kill-child --mount-proc sh "$0" inside
  exit
fi

# containerd, the network plugins and the kubelet have places that no setting moves: what they write there is written elsewhere.
mount --make-rshared /
for each in /run /var/lib /var/log; do
  mkdir -p "$FOLDER/over$each/upper" "$FOLDER/over$each/work"
  mount -t overlay overlay -o "lowerdir=$each,upperdir=$FOLDER/over$each/upper,workdir=$FOLDER/over$each/work" "$each"
done

"$CONTAINERD" --config "$FOLDER/containerd.toml" >"$FOLDER/containerd.log" 2>&1 &
until ctr --address "$FOLDER/containerd.sock" version >"$FOLDER/ctr.log" 2>&1; do
  kill -0 $!
  sleep 0.05
done
ctr --address "$FOLDER/containerd.sock" --namespace k8s.io images import "$FOLDER/image.tar" >"$FOLDER/ctr.log" 2>&1
"$KUBELET" --config "$FOLDER/kubelet.yaml" --kubeconfig "$FOLDER/kubeconfig" --hostname-override "$NODE" --node-ip "$ADDRESS" \
  --root-dir "$FOLDER/kubelet" --cert-dir "$FOLDER/certificates" >"$FOLDER/kubelet.log" 2>&1 &
read -r _ || true
