/**
 * A message of the contract as JSON that a script can compute with: 64-bit integers are numbers
 * while they are exact and strings beyond; bytes are base64; a oneof is the field that is set.
 */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint') {
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
      ? Number(value)
      : value.toString();
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const fields = value as Record<string, unknown>;
  if (typeof fields['$case'] === 'string') return { [fields['$case']]: plain(fields['value']) };
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [name, plain(field)]),
  );
}
