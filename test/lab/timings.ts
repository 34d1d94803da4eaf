/**
 * How long the stand-ins take for what the real programs take time for, in milliseconds. The one place.
 * Where the real ones vary, the quicker end is taken, so that what the lab measures flatters nobody.
 */
export const timings = {
  /** kubelet: from its start until it first looks at manifests (runtime checked, first pod list made). */
  kubeletStartMs: 1_000,
  /** kubelet: whole manifest directory read again, besides inotify (`fileCheckFrequency`). */
  kubeletRelistMs: 20_000,
  /** kubelet: container runtime listed for what ended by itself (generic PLEG). */
  kubeletPlegMs: 1_000,
  /** kubelet: orphans killed, and pods whose removed manifest came back started again. */
  kubeletHousekeepingMs: 2_000,
  /** kubelet: ended containers and sandboxes of pods that are gone removed. */
  kubeletGarbageMs: 60_000,
  /** kubelet: grace of a pod that sets none. */
  kubeletGraceMs: 30_000,
  /** kubelet: grace of a pod that runs but that no source knows. */
  kubeletOrphanGraceMs: 1_000,
  /** kubelet: pause before the second start of a container that crashed; doubles up to the most. */
  kubeletBackOffMs: 10_000,
  kubeletBackOffMostMs: 300_000,
  /** kubelet: pause after an API server that did not answer; doubles up to the most. */
  kubeletApiRetryMs: 500,
  kubeletApiRetryMostMs: 2_000,
  /** kubelet: node lease renewed; real one's `nodeLeaseDurationSeconds` of 40, a quarter of it. */
  kubeletLeaseMs: 10_000,

  /** Container runtime: a sandbox made (namespaces, cgroup, pause process). */
  runPodSandboxMs: 120,
  createContainerMs: 30,
  startContainerMs: 70,
  /** Container runtime: how late an adopted container's end is seen. */
  runtimePollMs: 200,

  /** Service manager: `RestartSec=` of the units, as kubeadm, containerd and Lockstep ship them. */
  kubeletRestartMs: 10_000,
  containerdRestartMs: 5_000,
  agentRestartMs: 1_000,
  /** Service manager: SIGTERM until SIGKILL (`TimeoutStopSec=`, systemd's default). */
  stopTimeoutMs: 90_000,

  /** kube-apiserver: from its start with etcd answering until /readyz says ok. */
  apiServerStartMs: 4_000,
  /** kube-apiserver: from SIGTERM until it has ended; the real one often takes its whole grace. */
  apiServerStopMs: 5_000,
} as const;
