import {
  auditStream,
  bucketStream,
  bucketSubject,
  eventsSubject,
  LEADER_KEY,
  leaderBucket,
  presenceSubject,
  progressSubject,
  subjectToken,
} from '@lockstep/shared/nats/subjects.ts';
import { identityUri, type Role } from '@lockstep/shared/tls/identity.ts';
import { stringify } from 'yaml';
import type { Endpoint } from './endpoint.ts';

/** Where deploy/ puts an identity on its host. */
const AGENT_TLS_DIR = '/etc/lockstep/tls';
const COORDINATOR_TLS_DIR = '/etc/lockstep-coordinator/tls';
const NATS_TLS_DIR = '/etc/nats/tls';

const NATS_CLUSTER_PORT = 6222;

/** How a node runs its etcd, as its agent is told. */
export type Hosting = 'static-pod' | 'systemd';

export function agentYaml(
  cluster: string,
  agent: Endpoint,
  hosting: Hosting,
  nats: readonly Endpoint[],
): string {
  return yaml(`The agent of ${agent.name}: /etc/lockstep/agent.yaml, its identity in ${AGENT_TLS_DIR}.`, {
    cluster,
    node: agent.name,
    hostRoot: '/',
    listen: agent.address,
    advertise: agent.address,
    stateDir: '/var/lib/lockstep',
    tls: tlsFiles(AGENT_TLS_DIR),
    containerRuntime: { socket: '/run/containerd/containerd.sock' },
    ...(hosting === 'systemd' ? { hosting } : {}),
    serviceManager: {
      systemctl: '/usr/bin/systemctl',
      unitDir: '/etc/systemd/system',
      kubeletUnit: 'kubelet.service',
      ...(hosting === 'systemd' ? { etcdUnit: 'etcd.service' } : {}),
    },
    kubelet: { config: '/var/lib/kubelet/config.yaml', staticPodPath: '/etc/kubernetes/manifests' },
    ...natsServers(nats),
  });
}

export function coordinatorYaml(
  cluster: string,
  coordinator: Endpoint,
  agents: readonly Endpoint[],
  nats: readonly Endpoint[],
): string {
  return yaml(
    `The coordinator ${coordinator.name}: /etc/lockstep-coordinator/coordinator.yaml, its identity in ${COORDINATOR_TLS_DIR}.`,
    {
      cluster,
      id: coordinator.name,
      listen: coordinator.address,
      stateDir: '/var/lib/lockstep-coordinator',
      tls: tlsFiles(COORDINATOR_TLS_DIR),
      nodes: agents.map(({ name, address }) => ({ name, address })),
      ...natsServers(nats),
    },
  );
}

export function commandLineYaml(
  cluster: string,
  coordinator: Endpoint,
  standbys: readonly Endpoint[],
  identityDir: string,
): string {
  return yaml('The command line: $LOCKSTEP_CONFIG or ~/.config/lockstep/config.yaml.', {
    currentContext: cluster,
    contexts: [
      {
        name: cluster,
        cluster,
        coordinator: coordinator.address,
        ...(standbys.length === 0 ? {} : { standbys: standbys.map(({ address }) => address) }),
        tls: tlsFiles(identityDir),
      },
    ],
  });
}

interface NatsPlan {
  readonly cluster: string;
  readonly server: Endpoint;
  readonly servers: readonly Endpoint[];
  readonly agents: readonly Endpoint[];
  readonly coordinators: readonly Endpoint[];
  /** Names. */
  readonly operators: readonly string[];
}

/**
 * A NATS server whose users are the URI names of Lockstep's own certificates. An agent may say
 * that it is there and nothing else; a coordinator may listen to that, publish events, make the
 * one stream that records them, and read and write who leads among coordinators. An operator may
 * listen to events and progress, and say nothing.
 */
export function natsConf({ cluster, server, servers, agents, coordinators, operators }: NatsPlan): string {
  const tls = (indent: string): string =>
    [
      'tls {',
      `  cert_file: "${NATS_TLS_DIR}/tls.crt"`,
      `  key_file: "${NATS_TLS_DIR}/tls.key"`,
      `  ca_file: "${NATS_TLS_DIR}/ca.crt"`,
      '  timeout: 5',
    ]
      .map((line, index) => (index === 0 ? line : indent + line))
      .join('\n');
  const user = (role: Role, name: string, publish: readonly string[], subscribe: readonly string[]): string =>
    `    { user: ${JSON.stringify(identityUri({ cluster, role, name }))}, permissions: {\n` +
    // An empty list would allow everything.
    `        publish: ${publish.length === 0 ? '{ deny: ">" }' : list(publish)}\n` +
    `        subscribe: ${list(subscribe)} } }`;
  const agentUsers = agents.map(({ name }) =>
    user(
      'agent',
      name,
      [presenceSubject(cluster, name)],
      [`lockstep.${cluster}.inbox.${subjectToken(name)}.>`],
    ),
  );
  const stream = auditStream(cluster);
  const bucket = leaderBucket(cluster);
  const leaders = bucketStream(bucket);
  const coordinatorUsers = coordinators.map(({ name }) =>
    user(
      'coordinator',
      name,
      [
        eventsSubject(cluster, '>'),
        progressSubject(cluster, '>'),
        '$JS.API.INFO',
        `$JS.API.STREAM.INFO.${stream}`,
        `$JS.API.STREAM.CREATE.${stream}`,
        `$JS.API.STREAM.INFO.${leaders}`,
        `$JS.API.STREAM.CREATE.${leaders}`,
        `$JS.API.STREAM.MSG.GET.${leaders}`,
        bucketSubject(bucket, LEADER_KEY),
      ],
      [presenceSubject(cluster, '*'), '_INBOX.>'],
    ),
  );
  const operatorUsers = operators.map((name) =>
    user('operator', name, [], [eventsSubject(cluster, '>'), progressSubject(cluster, '>')]),
  );
  const routes = servers.map(({ host }) => `"tls://${bracketed(host)}:${NATS_CLUSTER_PORT}"`);
  return `# The NATS server ${server.name}: /etc/nats/nats.conf, its identity in ${NATS_TLS_DIR}.
server_name: "${server.name}"
listen: "${server.address}"

${tls('')}
  # The user is the certificate's URI name.
  verify_and_map: true
}

jetstream {
  store_dir: "/var/lib/nats"
  # Acknowledged means on disk; the default syncs every two minutes.
  sync_interval: always
}
${
  servers.length > 1
    ? `
cluster {
  name: "lockstep-${cluster}"
  listen: "${bracketed(server.host)}:${NATS_CLUSTER_PORT}"
  routes: [${routes.join(', ')}]
  ${tls('  ')}
    verify: true
  }
}
`
    : ''
}
authorization {
  users: [
${[...coordinatorUsers, ...agentUsers, ...operatorUsers].join('\n')}
  ]
}
`;
}

function list(subjects: readonly string[]): string {
  return `[${subjects.map((subject) => JSON.stringify(subject)).join(', ')}]`;
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function tlsFiles(directory: string): { caFile: string; certFile: string; keyFile: string } {
  return { caFile: `${directory}/ca.crt`, certFile: `${directory}/tls.crt`, keyFile: `${directory}/tls.key` };
}

function natsServers(nats: readonly Endpoint[]): { nats?: { servers: string[] } } {
  return nats.length === 0 ? {} : { nats: { servers: nats.map(({ address }) => `tls://${address}`) } };
}

function yaml(comment: string, content: object): string {
  return `# ${comment}\n${stringify(content, { lineWidth: 0 })}`;
}
