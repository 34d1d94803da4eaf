/** Of a gRPC frame: whether it is compressed, and its length in four bytes. */
const FRAME_HEADER_BYTES = 5;
/** Protobuf field numbers of SnapshotResponse. */
const REMAINING_BYTES = 2;
const BLOB = 3;
const VARINT = 0;
const LENGTH_DELIMITED = 2;
/** The longest varint. */
const MAX_VARINT_BYTES = 10;

/**
 * Takes apart the frames of a snapshot stream as its bytes come, cut anywhere: what is in a blob
 * is handed on in place, everything else is read and dropped. Throws for what is no such stream.
 */
export class SnapshotFrames {
  /** Of the first message: what remained then, and the bytes that it brought. */
  promisedBytes: bigint | undefined;
  /** Bytes of the frame's header that have been seen. */
  #headerBytes = 0;
  #length = 0;
  /** Of the frame, not seen yet. */
  #left = 0;
  /** Of the field whose bytes are passing, not seen yet; and whether it is a blob. */
  #fieldLeft = 0;
  #isBlob = false;
  /** A varint that is being read, and what it is of: a tag, a length or a value. */
  #varint = 0n;
  #varintBytes = 0;
  #reading: 'tag' | 'length' | 'value' = 'tag';
  #field = 0;
  #remaining = 0n;
  #blobBytes = 0n;

  /** Nothing of a frame has come whose end has not. */
  get isComplete(): boolean {
    return this.#headerBytes === 0 && this.#left === 0;
  }

  /** The pieces of blobs in these bytes: views, in their order. */
  take(bytes: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#left === 0) {
        this.#header(bytes[at++]!);
      } else if (this.#fieldLeft > 0) {
        const end = Math.min(bytes.length, at + this.#fieldLeft);
        if (this.#isBlob) pieces.push(bytes.subarray(at, end));
        this.#fieldLeft -= end - at;
        this.#pass(end - at);
        at = end;
      } else {
        this.#digit(bytes[at++]!);
      }
    }
    return pieces;
  }

  #header(byte: number): void {
    if (this.#headerBytes === 0 && byte !== 0)
      throw new Error('a compressed message, which nobody asked for');
    if (this.#headerBytes > 0) this.#length = this.#length * 256 + byte;
    this.#headerBytes++;
    if (this.#headerBytes < FRAME_HEADER_BYTES) return;
    this.#left = this.#length;
    this.#headerBytes = this.#length = 0;
  }

  /** Bytes of the frame have passed; at its end it must not be within a field. */
  #pass(count: number): void {
    this.#left -= count;
    if (this.#left > 0) return;
    if (this.#fieldLeft > 0 || this.#varintBytes > 0 || this.#reading !== 'tag') {
      throw new Error('a message that ends within a field');
    }
    this.promisedBytes ??= this.#remaining + this.#blobBytes;
  }

  #digit(byte: number): void {
    this.#varint |= BigInt(byte & 0x7f) << BigInt(7 * this.#varintBytes++);
    if (byte >= 0x80) {
      if (this.#varintBytes === MAX_VARINT_BYTES) throw new Error('a number without an end');
      this.#pass(1);
      return;
    }
    const value = this.#varint;
    this.#varint = 0n;
    this.#varintBytes = 0;
    if (this.#reading === 'tag') this.#tag(value);
    else if (this.#reading === 'length') this.#begin(Number(value));
    else this.#number(value);
    this.#pass(1);
  }

  #tag(tag: bigint): void {
    this.#field = Number(tag >> 3n);
    const wireType = Number(tag & 7n);
    if (wireType !== VARINT && wireType !== LENGTH_DELIMITED) throw new Error(`wire type ${wireType}`);
    this.#reading = wireType === VARINT ? 'value' : 'length';
  }

  #begin(length: number): void {
    // This digit is still part of what is left.
    if (length > this.#left - 1) throw new Error('a field that is longer than its message');
    this.#fieldLeft = length;
    this.#isBlob = this.#field === BLOB;
    if (this.#isBlob && this.promisedBytes === undefined) this.#blobBytes += BigInt(length);
    this.#reading = 'tag';
  }

  #number(value: bigint): void {
    if (this.#field === REMAINING_BYTES && this.promisedBytes === undefined) this.#remaining = value;
    this.#reading = 'tag';
  }
}
