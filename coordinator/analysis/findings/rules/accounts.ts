import type { DeclaredRule } from '../declared-rule.ts';

const BINDINGS = [
  'clusterrolebindings.rbac.authorization.k8s.io',
  'rolebindings.rbac.authorization.k8s.io',
] as const;
const ROLES = ['clusterroles.rbac.authorization.k8s.io', 'roles.rbac.authorization.k8s.io'] as const;
const EVERYBODY = ['system:anonymous', 'system:unauthenticated'];

/** Who may do what: new accounts, and old ones that may do more. */
export const accountRules: readonly DeclaredRule[] = [
  {
    id: 'LS-T1098.006-cluster-admin',
    title: 'Somebody is bound to cluster-admin',
    techniques: ['T1098.006', 'T1078'],
    severity: 'high',
    why: 'The role may do anything with anything, in the binding’s namespace or everywhere.',
    innocent: 'Administrators’ groups, and operators that install other software.',
    select: { resources: BINDINGS },
    where: [
      { path: 'roleRef.name', equals: 'cluster-admin' },
      {
        some: 'subjects[*]',
        where: [{ not: { path: 'name', in: ['system:masters', 'kubeadm:cluster-admins'] } }],
      },
    ],
    show: ['subjects[*].name', 'subjects[*].namespace'],
  },
  {
    id: 'LS-T1098.006-masters',
    title: 'A binding names the group that no rule holds',
    techniques: ['T1098.006', 'T1078'],
    severity: 'medium',
    why: 'Members of system:masters pass every check of RBAC by their certificate. A binding of it besides the stock one changes nothing for them: who made it tried something.',
    innocent: 'A tool that lists all its administrators’ groups.',
    select: { resources: BINDINGS },
    where: [{ some: 'subjects[*]', where: [{ path: 'name', equals: 'system:masters' }] }],
    except: [{ names: ['cluster-admin'], where: [{ path: 'roleRef.name', equals: 'cluster-admin' }] }],
  },
  {
    id: 'LS-T1098.006-kubeadm-admins',
    title: 'kubeadm’s group of administrators is bound where kubeadm does not bind it',
    techniques: ['T1098.006', 'T1078'],
    severity: 'low',
    why: 'Client certificates of that group are administrators’; another binding of it widens what they may do elsewhere.',
    innocent: 'An administrator’s own binding.',
    select: { resources: BINDINGS },
    where: [{ some: 'subjects[*]', where: [{ path: 'name', equals: 'kubeadm:cluster-admins' }] }],
    except: [
      { names: ['kubeadm:cluster-admins'], where: [{ path: 'roleRef.name', equals: 'cluster-admin' }] },
    ],
  },
  {
    id: 'LS-T1078-anonymous',
    title: 'Callers without a name may do something',
    techniques: ['T1078.001', 'T1098.006', 'T1190'],
    severity: 'critical',
    why: 'Whoever reaches the API’s port has the role of this binding.',
    innocent:
      'Only what every cluster shows to strangers: its version and health, and to joining nodes cluster-info.',
    select: { resources: BINDINGS },
    where: [{ some: 'subjects[*]', where: [{ path: 'name', in: EVERYBODY }] }],
    show: ['roleRef.name'],
    except: [
      {
        names: ['system:public-info-viewer'],
        where: [{ path: 'roleRef.name', equals: 'system:public-info-viewer' }],
      },
      {
        namespaces: ['kube-public'],
        names: ['kubeadm:bootstrap-signer-clusterinfo'],
        where: [{ path: 'roleRef.name', equals: 'kubeadm:bootstrap-signer-clusterinfo' }],
      },
    ],
  },
  {
    id: 'LS-T1078-everyone',
    title: 'Everyone with any account of the cluster may do something',
    techniques: ['T1078', 'T1098.006'],
    severity: 'medium',
    why: 'Every pod’s token is such an account: one application broken into is enough.',
    innocent: 'Read-only roles of a shared cluster.',
    select: { resources: BINDINGS },
    where: [
      {
        some: 'subjects[*]',
        where: [{ path: 'name', in: ['system:authenticated', 'system:serviceaccounts'] }],
      },
    ],
    show: ['roleRef.name'],
    except: [
      'system:basic-user',
      'system:discovery',
      'system:public-info-viewer',
      'system:service-account-issuer-discovery',
    ].map((name) => ({ names: [name], where: [{ path: 'roleRef.name', equals: name }] })),
  },
  {
    id: 'LS-T1098.006-wildcard-role',
    title: 'A role may do everything with everything',
    techniques: ['T1098.006', 'T1078'],
    severity: 'medium',
    why: 'It is cluster-admin under another name.',
    innocent: 'Deployment tools and some operators are written so.',
    select: { resources: ROLES },
    where: [
      {
        some: 'rules[*]',
        where: [
          { path: 'verbs[*]', equals: '*' },
          { path: 'resources[*]', equals: '*' },
        ],
      },
    ],
    except: [{ namespaces: [''], names: ['cluster-admin'] }],
  },
  {
    id: 'LS-T1098.006-escalating-role',
    title: 'A role may give its holder more than it says',
    techniques: ['T1098.006', 'T1078', 'T1528'],
    severity: 'medium',
    why: 'With escalate, bind or impersonate, by signing certificates or making tokens for others, its holder becomes whoever it wants.',
    innocent: 'The API’s own controllers, and operators that manage roles or certificates.',
    select: { resources: ROLES },
    where: [
      {
        some: 'rules[*]',
        where: [
          {
            any: [
              { path: 'verbs[*]', in: ['escalate', 'bind', 'impersonate'] },
              {
                some: '.',
                where: [
                  {
                    path: 'resources[*]',
                    in: ['serviceaccounts/token', 'nodes/proxy', 'certificatesigningrequests/approval'],
                  },
                  { path: 'verbs[*]', in: ['create', 'update', 'patch', 'get', '*'] },
                ],
              },
            ],
          },
        ],
      },
    ],
    // The API server puts these back as they were at each of its starts.
    except: [
      {
        namespaces: [''],
        names: ['admin', 'edit', 'system:*'],
        where: [
          { path: 'metadata.labels["kubernetes.io/bootstrapping"]', equals: 'rbac-defaults' },
          { path: 'metadata.annotations["rbac.authorization.kubernetes.io/autoupdate"]', equals: 'true' },
        ],
      },
    ],
  },
  {
    id: 'LS-T1136-new-account',
    title: 'A service account is new',
    techniques: ['T1136'],
    severity: 'low',
    why: 'An account of one’s own is how access outlives the way it was gained.',
    innocent: 'Every release of an application brings its own.',
    reports: 'new',
    select: { resources: ['serviceaccounts'] },
    show: ['metadata.name'],
    except: [{ names: ['default'] }],
  },
  {
    id: 'LS-T1098.006-new-binding',
    title: 'Somebody was given a role',
    techniques: ['T1098.006', 'T1078'],
    severity: 'medium',
    why: 'The binding, or a subject of it, was not there before.',
    innocent: 'A new colleague, or a release of an application.',
    reports: 'new',
    select: { resources: BINDINGS },
    show: ['roleRef.name', 'subjects[*].name'],
  },
  {
    id: 'LS-T1098.006-widened-role',
    title: 'A role may do more than before',
    techniques: ['T1098.006'],
    severity: 'medium',
    why: 'All who hold it were given more at once, with no new binding to be seen.',
    innocent: 'An upgrade of the cluster or of an operator.',
    reports: 'changed',
    select: { resources: ROLES },
    show: ['rules[*]'],
  },
];
