/**
 * The first key after all keys that begin with a prefix: etcd's range end. A prefix of nothing
 * but 0xff bytes has none; etcd then takes a zero byte for "to the end".
 */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  for (let at = prefix.length - 1; at >= 0; at -= 1) {
    const byte = prefix[at] ?? 0;
    if (byte === 0xff) continue;
    // Not slice(): a Buffer's shares its bytes.
    const end = Uint8Array.from(prefix.subarray(0, at + 1));
    end[at] = byte + 1;
    return end;
  }
  return Uint8Array.of(0);
}
