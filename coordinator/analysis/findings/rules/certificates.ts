// @peculiar/x509 resolves its parts by dependency injection, which wants this polyfill first.
import 'reflect-metadata';
import { at, type JsonObject, listOf, textOf } from '@lockstep/shared/kubernetes/stored-object.ts';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import type { RuleCard, Trait } from '../finding.ts';
import type { ObjectRule } from '../rule.ts';

const RESOURCES = ['certificatesigningrequests.certificates.k8s.io'];
/** Certificates that kubelets ask for: they are made without anyone's hand, and bounded by the signer. */
const KUBELET_SIGNERS = new Set([
  'kubernetes.io/kube-apiserver-client-kubelet',
  'kubernetes.io/kubelet-serving',
]);
const POWERFUL = /^(O=(system:masters|kubeadm:cluster-admins|system:nodes)|CN=system:.*)$/u;

/** Client certificates that the cluster's CA signed on somebody's request. */
export const certificateRules: readonly ObjectRule[] = [
  ofCertificates(
    {
      id: 'LS-T1136-powerful-certificate',
      title: 'A client certificate of an administrator or of the system was approved',
      techniques: ['T1136', 'T1098.001', 'T1078'],
      severity: 'critical',
      why: 'Whoever has its key is that user until it expires: certificates cannot be withdrawn, and a restore does not end them.',
      innocent: 'An administrator who renews a kubeconfig through the API. The control plane never does.',
    },
    (subject) => subject.some((name) => POWERFUL.test(name)),
  ),
  ofCertificates(
    {
      id: 'LS-T1136-client-certificate',
      title: 'A client certificate was approved',
      techniques: ['T1136', 'T1098.001'],
      severity: 'low',
      why: 'It is an account that no list of accounts shows, good until it expires.',
      innocent: 'Users are often given certificates so.',
    },
    (subject) => !subject.some((name) => POWERFUL.test(name)),
  ),
];

function ofCertificates(card: RuleCard, speaksOf: (subject: readonly string[]) => boolean): ObjectRule {
  return {
    ...card,
    kind: 'object',
    reports: 'state',
    resources: RESOURCES,
    selects: () => true,
    traits: (object) => {
      const signer = textOf(at(object, 'spec', 'signerName'));
      if (KUBELET_SIGNERS.has(signer) || !isApproved(object)) return [];
      const usages = listOf(at(object, 'spec', 'usages'));
      if (usages.length > 0 && !usages.includes('client auth') && !usages.includes('any')) return [];
      const subject = subjectOf(textOf(at(object, 'spec', 'request')));
      if (!speaksOf(subject)) return [];
      return [
        ...subject.map((name): Trait => ({ field: 'spec.request', value: name })),
        { field: 'spec.signerName', value: signer },
        { field: 'spec.username', value: textOf(at(object, 'spec', 'username')) },
      ];
    },
  };
}

function isApproved(object: JsonObject): boolean {
  return listOf(at(object, 'status', 'conditions')).some((each) => at(each, 'type') === 'Approved');
}

/** ["CN=jane", "O=dev"]; one word of its own where the request cannot be read. */
function subjectOf(request: string): string[] {
  try {
    const pem = Buffer.from(request, 'base64').toString('latin1');
    const { subjectName } = new Pkcs10CertificateRequest(pem);
    return subjectName
      .toJSON()
      .flatMap((part) =>
        Object.entries(part).flatMap(([name, values]) => values.map((value) => `${name}=${value}`)),
      );
  } catch {
    return ['a subject that cannot be read'];
  }
}
