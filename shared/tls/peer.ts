import { X509Certificate } from 'node:crypto';
import { type Identity, parseIdentityUri } from './identity.ts';

/** What a certificate says of its bearer; `undefined` unless it carries exactly one Lockstep name. */
export function identityOf(certificate: X509Certificate): Identity | undefined {
  const named = subjectAltNames(certificate.subjectAltName ?? '')
    .filter(({ type }) => type === 'URI')
    .map(({ value }) => parseIdentityUri(value))
    .filter((identity) => identity !== undefined);
  return named.length === 1 ? named[0] : undefined;
}

interface AltName {
  readonly type: string;
  readonly value: string;
}

/**
 * Splits Node's rendering of subject alternative names ("DNS:a, URI:b"). Node quotes a value
 * that holds a separator; a quoted value is dropped, because none of ours needs quotes and a
 * quote is how a crafted name would smuggle in another one.
 */
export function subjectAltNames(rendered: string): AltName[] {
  const names: AltName[] = [];
  const entry = /([A-Za-z0-9 ]+):(?:"(?:[^"\\]|\\.)*"|([^",]*))(?:, |$)/gy;
  let consumed = 0;
  for (let match = entry.exec(rendered); match !== null; match = entry.exec(rendered)) {
    consumed = entry.lastIndex;
    if (match[2] !== undefined) names.push({ type: match[1] as string, value: match[2] });
    if (consumed === rendered.length) break;
  }
  return consumed === rendered.length ? names : [];
}

/** Whether the certificate is within its validity at `nowMs`. */
export function isCurrent(certificate: X509Certificate, nowMs: number): boolean {
  return certificate.validFromDate.getTime() <= nowMs && nowMs <= certificate.validToDate.getTime();
}
