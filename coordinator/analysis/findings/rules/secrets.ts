import type { DeclaredRule } from '../declared-rule.ts';

const TOKEN = 'kubernetes.io/service-account-token';

/** Secrets that open doors. Which values they have is never said. */
export const secretRules: readonly DeclaredRule[] = [
  {
    id: 'LS-T1528-token-secret',
    title: 'A secret holds a service account’s token that does not expire',
    techniques: ['T1528', 'T1552.007', 'T1098.001'],
    severity: 'high',
    why: 'The token is good until the secret or the account is deleted, from anywhere, and its use is not tied to a pod.',
    innocent:
      'Before Kubernetes 1.24 every account had one, named ACCOUNT-token-xxxxx: those are not told. Some build systems still ask for one.',
    select: { resources: ['secrets'] },
    where: [{ path: 'type', equals: TOKEN }],
    show: ['metadata.annotations["kubernetes.io/service-account.name"]'],
    except: [
      {
        names: ['*-token-?????'],
        where: [
          { path: 'metadata.name', matches: '-token-[bcdfghjklmnpqrstvwxz2456789]{5}$' },
          {
            not: { path: 'metadata.annotations["kubernetes.io/service-account.name"]', matches: '-token$' },
          },
        ],
      },
    ],
  },
  {
    id: 'LS-T1552.007-lasting-bootstrap-token',
    title: 'A token to join nodes does not expire, or gives more than kubeadm’s do',
    techniques: ['T1552.007', 'T1136'],
    severity: 'high',
    why: 'With it a stranger’s machine becomes a node, and is sent pods and their secrets.',
    innocent: 'Automatic scaling of nodes by hand-made means.',
    select: { resources: ['secrets'], namespaces: ['kube-system'] },
    where: [
      { path: 'type', equals: 'bootstrap.kubernetes.io/token' },
      {
        any: [
          { path: 'data.expiration', absent: true },
          {
            not: {
              path: 'data["auth-extra-groups"]',
              // "system:bootstrappers:kubeadm:default-node-token"
              equals: 'c3lzdGVtOmJvb3RzdHJhcHBlcnM6a3ViZWFkbTpkZWZhdWx0LW5vZGUtdG9rZW4=',
            },
          },
        ],
      },
    ],
    show: ['data[*]'],
  },
  {
    id: 'LS-T1552.007-new-bootstrap-token',
    title: 'A token to join nodes is new',
    techniques: ['T1552.007', 'T1136'],
    severity: 'low',
    why: 'With it a machine becomes a node.',
    innocent: 'A node was added: `kubeadm token create`.',
    reports: 'new',
    select: { resources: ['secrets'], namespaces: ['kube-system'] },
    where: [{ path: 'type', equals: 'bootstrap.kubernetes.io/token' }],
    show: ['metadata.name'],
  },
  {
    id: 'LS-T1098.001-changed-secret',
    title: 'A secret has other contents than before',
    techniques: ['T1098.001', 'T1552.007'],
    severity: 'medium',
    why: 'Credentials that an intruder knows may stand in place of the owner’s.',
    innocent: 'Rotation of certificates and passwords: look who wrote it.',
    reports: 'changed',
    select: { resources: ['secrets'] },
    show: ['type', 'data[*]'],
  },
];
