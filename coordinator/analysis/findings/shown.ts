import { sha256Hex } from '@lockstep/shared/digest.ts';
import { stableText } from './stable-text.ts';

/** Longer values are cut off. */
export const MAX_SHOWN = 200;
const SECRET_FIELDS = /(^|\.)(data|stringData)([.[]|$)|last-applied-configuration/;
/** Of a container's variables the names are no secret; what they are set to often is. */
const VARIABLE = /(^|\.)env(\[[^\]]*\])?(\.value)?$/;

/** A value as a finding may show it. Never that of a secret, nor of an environment variable. */
export function shown(value: unknown, field: string, resource: string): string {
  if (isHidden(field, resource)) return '(not shown)';
  const text = typeof value === 'string' ? value : stableText(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

export function isHidden(field: string, resource: string): boolean {
  return VARIABLE.test(field) || (resource === 'secrets' && SECRET_FIELDS.test(field));
}

/** Equal where the values are, and no way back to them for whoever reads it: it is never written anywhere. */
export function sameness(value: unknown): string {
  return sha256Hex(Buffer.from(stableText(value)));
}
