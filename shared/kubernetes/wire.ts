/**
 * A message in protobuf's wire form, read by field number and without a schema: for the few
 * fields that are wanted of objects of any version. What is malformed reads as absent, never as
 * an error: a stored value that cannot be decoded is a fact about it, not a fault of the reader.
 */
export class WireMessage {
  /** In the order of the bytes. */
  readonly fields: readonly WireField[];

  private constructor(fields: readonly WireField[]) {
    this.fields = fields;
  }

  /** Undefined where the bytes are no message. */
  static parse(bytes: Uint8Array): WireMessage | undefined {
    const fields: WireField[] = [];
    let at = 0;
    while (at < bytes.length) {
      const tag = readVarint(bytes, at);
      if (tag === undefined) return undefined;
      at = tag.end;
      const number = Number(tag.value >> 3n);
      if (number === 0) return undefined;
      switch (Number(tag.value & 7n)) {
        case 0: {
          const varint = readVarint(bytes, at);
          if (varint === undefined) return undefined;
          fields.push({ number, varint: varint.value });
          at = varint.end;
          break;
        }
        case 1:
          fields.push({ number, fixed: bytes.subarray(at, at + 8) });
          at += 8;
          break;
        case 2: {
          const length = readVarint(bytes, at);
          if (length === undefined || length.value > BigInt(bytes.length - length.end)) return undefined;
          const end = length.end + Number(length.value);
          fields.push({ number, bytes: bytes.subarray(length.end, end) });
          at = end;
          break;
        }
        case 5:
          fields.push({ number, fixed: bytes.subarray(at, at + 4) });
          at += 4;
          break;
        default:
          return undefined;
      }
    }
    return at === bytes.length ? new WireMessage(fields) : undefined;
  }

  /** The last occurrence, as protobuf has it. */
  bytes(number: number): Uint8Array | undefined {
    return this.fields.findLast((field) => field.number === number && field.bytes !== undefined)?.bytes;
  }

  allBytes(number: number): Uint8Array[] {
    return this.fields.flatMap((field) =>
      field.number === number && field.bytes !== undefined ? [field.bytes] : [],
    );
  }

  /** Empty where absent, as protobuf has it. */
  text(number: number): string {
    const bytes = this.bytes(number);
    return bytes === undefined ? '' : Buffer.from(bytes).toString('utf8');
  }

  varint(number: number): bigint {
    return (
      this.fields.findLast((field) => field.number === number && field.varint !== undefined)?.varint ?? 0n
    );
  }

  message(number: number): WireMessage | undefined {
    const bytes = this.bytes(number);
    return bytes === undefined ? undefined : WireMessage.parse(bytes);
  }

  messages(number: number): WireMessage[] {
    return this.allBytes(number).flatMap((bytes) => WireMessage.parse(bytes) ?? []);
  }

  /** map<string, string> */
  textMap(number: number): Map<string, string> {
    return new Map(this.messages(number).map((entry) => [entry.text(1), entry.text(2)]));
  }
}

/** Of `varint`, `bytes` and `fixed` (four or eight bytes) exactly one is there. */
export interface WireField {
  readonly number: number;
  readonly varint?: bigint;
  readonly bytes?: Uint8Array;
  readonly fixed?: Uint8Array;
}

function readVarint(bytes: Uint8Array, start: number): { value: bigint; end: number } | undefined {
  let value = 0n;
  for (let index = 0; index < 10; index++) {
    const byte = bytes[start + index];
    if (byte === undefined) return undefined;
    value |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), end: start + index + 1 };
  }
  return undefined;
}
