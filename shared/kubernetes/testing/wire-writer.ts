/* For tests: protobuf's wire form, written field by field. */

type FieldValue = string | Uint8Array | bigint | boolean | undefined;

/** A message of [field number, value] pairs; text and bytes are length-delimited, the rest varints. */
export function message(...fields: readonly (readonly [number, FieldValue])[]): Buffer {
  return Buffer.concat(fields.flatMap(([number, value]) => field(number, value)));
}

/** map<string, string> as field `number`. */
export function textMap(number: number, entries: Readonly<Record<string, string>>): [number, Buffer][] {
  return Object.entries(entries).map(([key, value]) => [number, message([1, key], [2, value])]);
}

/** "k8s\0" and runtime.Unknown, as kube-apiserver stores built-in kinds. */
export function stored(apiVersion: string, kind: string, object: Uint8Array): Buffer {
  const unknown = message([1, message([1, apiVersion], [2, kind])], [2, object]);
  return Buffer.concat([Buffer.from('k8s\0', 'latin1'), unknown]);
}

function field(number: number, value: FieldValue): Buffer[] {
  if (value === undefined) return [];
  if (typeof value === 'bigint' || typeof value === 'boolean') {
    return [varint(BigInt(number) << 3n), varint(BigInt(value))];
  }
  const bytes = Buffer.from(value);
  return [varint((BigInt(number) << 3n) | 2n), varint(BigInt(bytes.length)), bytes];
}

export function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, value);
  while (left > 0x7fn) {
    bytes.push(Number(left & 0x7fn) | 0x80);
    left >>= 7n;
  }
  bytes.push(Number(left));
  return Buffer.from(bytes);
}
