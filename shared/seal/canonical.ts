import canonicalize from 'canonicalize';

/**
 * RFC 8785: one text for one value, whoever writes it. Throws for what is no JSON value, such as
 * a number without bound or half a surrogate pair.
 */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('no JSON value');
  return text;
}
