import type { Condition } from '../condition.ts';
import type { DeclaredRule } from '../declared-rule.ts';
import { SYSTEM_NAMESPACES } from '../stock.ts';

const WEBHOOKS = [
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
] as const;
const POLICIES = [
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io',
  'mutatingadmissionpolicies.admissionregistration.k8s.io',
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
] as const;

const OPEN_SERVICE: Condition = { path: 'spec.type', in: ['NodePort', 'LoadBalancer'] };

/** Ways in from outside, and hooks through which every request or name goes. */
export const exposureRules: readonly DeclaredRule[] = [
  {
    id: 'LS-T1190-system-service-exposed',
    title: 'A service of the system can be reached from outside',
    techniques: ['T1190', 'T1133'],
    severity: 'high',
    why: 'What runs in the system’s namespaces, or listens on the control plane’s ports, is not made to be met by strangers.',
    innocent: 'A dashboard or an ingress controller that you installed there.',
    select: { resources: ['services'] },
    where: [
      OPEN_SERVICE,
      {
        any: [
          { path: 'metadata.namespace', in: [...SYSTEM_NAMESPACES] },
          { path: 'spec.ports[*].targetPort', in: [2379, 2380, 6443, 10250, 10257, 10259] },
        ],
      },
    ],
    show: ['spec.ports[*].nodePort'],
  },
  {
    id: 'LS-T1190-new-way-in',
    title: 'A service or an ingress is open to the outside, and was not before',
    techniques: ['T1190', 'T1133'],
    severity: 'low',
    why: 'Somebody can reach what nobody could.',
    innocent: 'A release of an application.',
    reports: 'new',
    select: { resources: ['services', 'ingresses.networking.k8s.io'] },
    where: [
      {
        any: [
          OPEN_SERVICE,
          { path: 'spec.rules', exists: true },
          { path: 'spec.defaultBackend', exists: true },
        ],
      },
    ],
    show: [
      'spec.type',
      'spec.ports[*].targetPort',
      'spec.rules[*].host',
      'spec.rules[*].http.paths[*].backend.service.name',
      'spec.defaultBackend.service.name',
    ],
  },
  {
    id: 'LS-T1557-external-address',
    title: 'A service takes traffic for addresses that are not its own',
    techniques: ['T1557'],
    severity: 'medium',
    why: 'Every node sends what pods address to spec.externalIPs to this service instead: whoever may make services can stand in the middle (CVE-2020-8554).',
    innocent: 'Clusters without a load balancer give services addresses so.',
    select: { resources: ['services'] },
    where: [{ path: 'spec.externalIPs[*]', exists: true }],
  },
  {
    id: 'LS-T1546-webhook-outside',
    title: 'An admission webhook or a conversion calls an address outside the cluster',
    techniques: ['T1546', 'T1557'],
    severity: 'high',
    why: 'Every matching object travels there before it is stored, secrets included, and a mutating webhook may rewrite it.',
    innocent: 'A policy service that you run elsewhere, or a webhook on the control plane’s own host.',
    select: { resources: [...WEBHOOKS, 'customresourcedefinitions.apiextensions.k8s.io'] },
    where: [
      {
        any: [
          { path: 'webhooks[*].clientConfig.url', exists: true },
          { path: 'spec.conversion.webhook.clientConfig.url', exists: true },
        ],
      },
    ],
    show: ['webhooks[*].failurePolicy'],
    except: [
      {
        where: [
          {
            not: {
              any: ['webhooks[*].clientConfig.url', 'spec.conversion.webhook.clientConfig.url'].map(
                (path) => ({
                  some: path,
                  where: [
                    {
                      not: {
                        path: '.',
                        matches: '^https://(localhost|127\\.0\\.0\\.1|\\[::1\\])(:\\d+)?(/.*)?$',
                      },
                    },
                  ],
                }),
              ),
            },
          },
        ],
      },
    ],
  },
  {
    id: 'LS-T1546-webhook-over-secrets',
    title: 'A webhook may rewrite or read secrets',
    techniques: ['T1546', 'T1552.007', 'T1557'],
    severity: 'medium',
    why: 'It is sent every secret that is written, in plain text.',
    innocent: 'Secret injectors and policy engines that match everything.',
    select: { resources: WEBHOOKS },
    where: [
      {
        some: 'webhooks[*].rules[*]',
        where: [
          { path: 'resources[*]', in: ['secrets', '*', '*/*', 'secrets/*'] },
          { path: 'apiGroups[*]', in: ['', '*'] },
        ],
      },
    ],
    show: ['webhooks[*].clientConfig.service.namespace', 'webhooks[*].clientConfig.service.name'],
  },
  {
    id: 'LS-T1546-new-admission',
    title: 'An admission hook or policy is new, or was changed',
    techniques: ['T1546', 'T1557'],
    severity: 'medium',
    why: 'It sees, changes or refuses what others write.',
    innocent: 'An operator or a policy engine was installed or upgraded.',
    reports: 'new',
    select: { resources: [...WEBHOOKS, ...POLICIES] },
    show: [
      'metadata.name',
      'webhooks[*].clientConfig.url',
      'webhooks[*].clientConfig.service',
      'webhooks[*].failurePolicy',
      'webhooks[*].namespaceSelector',
      'webhooks[*].objectSelector',
      'webhooks[*].rules',
      'spec.failurePolicy',
      'spec.validations',
      'spec.mutations',
      'spec.matchConstraints',
      'spec.policyName',
      'spec.validationActions',
      'spec.matchResources',
    ],
  },
  {
    id: 'LS-T1562.001-guard-removed',
    title: 'Something that kept others within bounds was deleted',
    techniques: ['T1562.001', 'T1070'],
    severity: 'medium',
    why: 'Webhooks, policies, network policies and quotas stand in an intruder’s way; their removal is often the first step.',
    innocent: 'The application or policy engine that they belonged to was removed.',
    reports: 'removed',
    select: {
      resources: [
        ...WEBHOOKS,
        ...POLICIES,
        'networkpolicies.networking.k8s.io',
        'resourcequotas',
        'limitranges',
      ],
    },
  },
  {
    id: 'LS-T1562.001-pod-security-lowered',
    title: 'A namespace lets pods do what it did not before',
    techniques: ['T1562.001', 'T1611'],
    severity: 'high',
    why: 'Its Pod Security label was lowered: privileged pods are admitted there now.',
    innocent: 'A node agent was installed there.',
    reports: 'changed',
    select: { resources: ['namespaces'] },
    where: [
      {
        any: [
          { path: 'metadata.labels["pod-security.kubernetes.io/enforce"]', absent: true },
          { path: 'metadata.labels["pod-security.kubernetes.io/enforce"]', in: ['privileged', 'baseline'] },
        ],
      },
    ],
    show: ['metadata.labels["pod-security.kubernetes.io/enforce"]'],
  },
  {
    id: 'LS-T1557-api-service',
    title: 'A part of the API is answered by a service that proves nothing of itself',
    techniques: ['T1557', 'T1190'],
    severity: 'medium',
    why: 'Requests for that group go to it with the caller’s name, and with insecureSkipTLSVerify whoever holds its address can answer.',
    innocent: 'metrics-server is installed so by its own manifest.',
    select: { resources: ['apiservices.apiregistration.k8s.io'] },
    where: [{ path: 'spec.insecureSkipTLSVerify', equals: true }],
    show: ['spec.service.namespace', 'spec.service.name'],
    except: [
      {
        names: ['v1beta1.metrics.k8s.io'],
        where: [
          { path: 'spec.service.namespace', equals: 'kube-system' },
          { path: 'spec.service.name', equals: 'metrics-server' },
        ],
      },
    ],
  },
  {
    id: 'LS-T1557-new-api-service',
    title: 'A part of the API is answered by another service than before',
    techniques: ['T1557', 'T1190'],
    severity: 'medium',
    why: 'Requests for that group go to it with the caller’s name.',
    innocent: 'An extension was installed.',
    reports: 'new',
    select: { resources: ['apiservices.apiregistration.k8s.io'] },
    where: [{ path: 'spec.service.name', exists: true }],
    show: ['spec.service', 'spec.insecureSkipTLSVerify'],
  },
  {
    id: 'LS-T1557-system-configuration',
    title: 'The cluster’s own configuration was changed',
    techniques: ['T1557', 'T1565.001'],
    severity: 'medium',
    why: 'Names, addresses and authorities are taken from here: by CoreDNS, kube-proxy, joining nodes and extension servers.',
    innocent: 'An upgrade of the cluster, or of its DNS.',
    reports: 'changed',
    select: {
      resources: ['configmaps'],
      namespaces: ['kube-system', 'kube-public'],
      names: [
        'aws-auth',
        'cluster-info',
        'coredns',
        'extension-apiserver-authentication',
        'kube-proxy',
        'kubeadm-config',
        'kubelet-config*',
      ],
    },
    show: ['data[*]'],
  },
];
