import type { DeclaredRule } from '../declared-rule.ts';
import { CONTROL_PLANE, IS_MIRROR_POD, NODE_AGENTS, SYSTEM_NAMESPACES, WORKLOADS } from '../stock.ts';

/** Pods that reach out of their container, and those that no one should have been able to make. */
export const podRules: readonly DeclaredRule[] = [
  {
    id: 'LS-T1611-privileged',
    title: 'A container runs privileged',
    techniques: ['T1611', 'T1610'],
    severity: 'high',
    why: 'A privileged container has every device and capability of its node: whoever is in it has the node.',
    innocent:
      'Storage drivers, network agents and device plugins need it. Look whether the image and the namespace are those of one that you run.',
    select: { resources: WORKLOADS },
    where: [{ path: 'containers[*].securityContext.privileged', equals: true }],
    except: NODE_AGENTS,
  },
  {
    id: 'LS-T1611-host-processes',
    title: 'A pod shares its node’s processes or memory',
    techniques: ['T1611', 'T1610'],
    severity: 'high',
    why: 'With hostPID a container sees and can trace the processes of its node, with hostIPC their shared memory.',
    innocent: 'Monitoring agents such as node-exporter, and debuggers, ask for hostPID.',
    select: { resources: WORKLOADS },
    where: [
      {
        any: [
          { path: 'podSpec.hostPID', equals: true },
          { path: 'podSpec.hostIPC', equals: true },
        ],
      },
    ],
    except: NODE_AGENTS,
  },
  {
    id: 'LS-T1610-host-network',
    title: 'A pod uses its node’s network',
    techniques: ['T1610', 'T1040'],
    severity: 'low',
    why: 'It sees the node’s traffic, reaches what listens on its loopback addresses, and no network policy holds it.',
    innocent: 'Ingress controllers and node agents often do.',
    select: { resources: WORKLOADS },
    where: [{ path: 'podSpec.hostNetwork', equals: true }],
    except: [...NODE_AGENTS, { where: [IS_MIRROR_POD] }],
  },
  {
    id: 'LS-T1611-host-path',
    title: 'A pod mounts a directory of its node that leads out of the container',
    techniques: ['T1611', 'T1610', 'T1552.001'],
    severity: 'high',
    why: 'Through the root directory, /etc, /root, kubelet’s or etcd’s own data or /proc a pod reads the credentials of its node, or writes what the node will run.',
    innocent:
      'Backup and log agents, storage drivers and node-exporter mount some of these, mostly read-only.',
    select: { resources: WORKLOADS },
    where: [
      {
        path: 'podSpec.volumes[*].hostPath.path',
        matches:
          '^(/+|/+(etc|root|home|proc|boot|usr|bin|sbin)(/.*)?|/+var/?|/+var/lib/?|/+var/lib/(etcd|kubelet|containerd|docker|rancher)(/.*)?|/+var/spool/cron.*)$',
      },
    ],
    except: NODE_AGENTS,
  },
  {
    id: 'LS-T1611-runtime-socket',
    title: 'A pod mounts the socket of the container runtime',
    techniques: ['T1611', 'T1610'],
    severity: 'critical',
    why: 'Who speaks to the runtime starts any container on the node, past the API and every admission rule.',
    innocent: 'Some build systems, and monitoring agents that list containers.',
    select: { resources: WORKLOADS },
    where: [
      {
        path: 'podSpec.volumes[*].hostPath.path',
        matches:
          '(docker|containerd|crio|cri-dockerd|podman)\\.sock/?$|^/+(var/)?run(/(containerd|crio|docker|podman))?/?$',
      },
    ],
    except: NODE_AGENTS,
  },
  {
    id: 'LS-T1611-capabilities',
    title: 'A container has a capability that opens its node',
    techniques: ['T1611', 'T1610'],
    severity: 'medium',
    why: 'With these capabilities a container can load code into the kernel, trace other processes, or read any file.',
    innocent: 'Network and storage agents, and profilers.',
    select: { resources: WORKLOADS },
    where: [
      {
        path: 'containers[*].securityContext.capabilities.add[*]',
        matches: '^(CAP_)?(ALL|BPF|DAC_READ_SEARCH|SYS_ADMIN|SYS_BOOT|SYS_MODULE|SYS_PTRACE|SYS_RAWIO)$',
      },
    ],
    except: NODE_AGENTS,
  },
  {
    id: 'LS-T1609-debug-container',
    title: 'A container was put into a running pod',
    techniques: ['T1609', 'T1610'],
    severity: 'medium',
    why: 'An ephemeral container runs a program of somebody’s choice beside, or inside, an application.',
    innocent:
      '`kubectl debug` does it, and the container stays listed until its pod is gone: ask who debugged.',
    select: { resources: ['pods'] },
    where: [{ path: 'spec.ephemeralContainers[*].image', exists: true }],
  },
  {
    id: 'LS-T1610-pod-of-nobody',
    title: 'A pod of the system’s namespace belongs to no controller',
    techniques: ['T1610', 'T1036.005'],
    severity: 'medium',
    why: 'What the system needs there is kept by controllers; a single pod was made by hand, where few look.',
    innocent: 'A pod that a person started to debug something.',
    select: { resources: ['pods'], namespaces: SYSTEM_NAMESPACES },
    where: [
      { not: { path: 'metadata.ownerReferences[*].controller', equals: true } },
      { not: IS_MIRROR_POD },
    ],
    show: ['containers[*].image'],
  },
  {
    id: 'LS-T1059-fetch-and-run',
    title: 'A container’s command fetches a program and runs it',
    techniques: ['T1059.004', 'T1105'],
    severity: 'high',
    why: 'What it runs is in no image and no review, and can be another thing tomorrow.',
    innocent: 'Installation scripts that pipe a download into a shell; they deserve to be replaced.',
    select: { resources: WORKLOADS },
    where: [
      {
        any: ['command', 'args'].map((list) => ({
          path: `containers[*].${list}[*]`,
          matches:
            '(?i)(curl|wget)\\b[^|;&]*\\|\\s*(sudo\\s+)?(ba|da|z)?sh\\b|base64\\s+(-d|-D|--decode)[^|]*\\|\\s*(ba|da|z)?sh\\b|/dev/tcp/|\\bnc(at)?\\s.*-e\\s|\\bmkfifo\\b.*\\bnc\\b',
        })),
      },
    ],
  },
  {
    id: 'LS-T1610-new-system-workload',
    title: 'A workload is new in a namespace of the system',
    techniques: ['T1610', 'T1036.005'],
    severity: 'medium',
    why: 'Few people look there, and what runs there often may do more.',
    innocent: 'An add-on, or an upgrade of the cluster.',
    reports: 'new',
    select: { resources: WORKLOADS, namespaces: SYSTEM_NAMESPACES },
    where: [{ not: { path: 'metadata.ownerReferences[*].controller', equals: true } }],
    show: ['metadata.name'],
  },
  {
    id: 'LS-T1525-system-image',
    title: 'A workload of the system runs another image than before',
    techniques: ['T1525', 'T1036.005'],
    severity: 'medium',
    why: 'An image under a trusted name runs with that name’s rights.',
    innocent: 'An upgrade: compare the tags and digests with the release’s.',
    reports: 'changed',
    select: {
      resources: WORKLOADS.filter((resource) => resource !== 'pods' && resource !== 'replicasets.apps'),
      namespaces: SYSTEM_NAMESPACES,
    },
    show: ['containers[*].image', 'containers[*].command[*]', 'containers[*].args[*]'],
  },
  {
    id: 'LS-T1543.005-static-pod',
    title: 'A static pod that is not the control plane’s own',
    techniques: ['T1543.005', 'T1610'],
    severity: 'medium',
    why: 'kubelet runs every manifest in its directory, with no admission and though the API be down: a file there outlives a restore.',
    innocent: 'A virtual address’s or a proxy’s pod beside the control plane: kube-vip, keepalived, haproxy.',
    select: { resources: ['pods'] },
    where: [IS_MIRROR_POD],
    show: ['spec.nodeName', 'containers[*].image'],
    except: [
      CONTROL_PLANE,
      {
        namespaces: ['kube-system'],
        names: ['kube-vip-*', 'keepalived-*', 'haproxy-*'],
        where: [IS_MIRROR_POD],
      },
    ],
  },
];
