/** What a byte of a snapshot belongs to, by bbolt's own page headers and tree. */
export type Stratum = 'trailer' | 'meta' | 'freelist' | 'free' | 'branch' | 'leaf' | 'overflow';
export const STRATA: readonly Stratum[] = [
  'trailer',
  'meta',
  'freelist',
  'free',
  'branch',
  'leaf',
  'overflow',
];

const TRAILER_BYTES = 32;
const META_PAGES = 2;
/** Page header: id (8), flags (2), count (2), pages that follow as overflow (4). */
const HEADER_BYTES = 16;
const FLAG_BRANCH = 1;
const FLAG_FREELIST = 0x10;

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The spans of a snapshot's file by what they belong to; every byte is in one. */
export function spansOf(snapshot: Buffer): ReadonlyMap<Stratum, readonly Span[]> {
  const pageBytes = snapshot.readUInt32LE(HEADER_BYTES + 8);
  const pages = (snapshot.length - TRAILER_BYTES) / pageBytes;
  const kinds: Stratum[] = Array.from({ length: pages }, () => 'free');
  const visit = (page: number): void => {
    const at = page * pageBytes;
    const flags = snapshot.readUInt16LE(at + 8);
    const count = snapshot.readUInt16LE(at + 10);
    const overflow = snapshot.readUInt32LE(at + 12);
    kinds[page] = flags === FLAG_FREELIST ? 'freelist' : flags === FLAG_BRANCH ? 'branch' : 'leaf';
    for (let next = 1; next <= overflow; next++)
      kinds[page + next] = flags === FLAG_FREELIST ? 'freelist' : 'overflow';
    if (flags === FLAG_FREELIST) return;
    for (let index = 0; index < count; index++) {
      const element = at + HEADER_BYTES + index * 16;
      if (flags === FLAG_BRANCH) visit(Number(snapshot.readBigUInt64LE(element + 8)));
      else if (snapshot.readUInt32LE(element) === 1) {
        const value = element + snapshot.readUInt32LE(element + 4) + snapshot.readUInt32LE(element + 8);
        const root = Number(snapshot.readBigUInt64LE(value));
        if (root !== 0) visit(root);
      }
    }
  };
  const meta = newestMeta(snapshot, pageBytes);
  visit(Number(snapshot.readBigUInt64LE(meta + 16)));
  const freelist = snapshot.readBigUInt64LE(meta + 32);
  if (freelist < BigInt(pages)) visit(Number(freelist));
  for (let page = 0; page < META_PAGES; page++) kinds[page] = 'meta';
  const spans = new Map<Stratum, Span[]>(STRATA.map((stratum) => [stratum, []]));
  for (const [page, kind] of kinds.entries()) {
    spans.get(kind)?.push({ from: page * pageBytes, to: (page + 1) * pageBytes });
  }
  spans.get('trailer')?.push({ from: snapshot.length - TRAILER_BYTES, to: snapshot.length });
  return spans;
}

/** Where the fields of the newer of the two headers begin. */
function newestMeta(snapshot: Buffer, pageBytes: number): number {
  const [first, second] = [HEADER_BYTES, pageBytes + HEADER_BYTES] as const;
  return snapshot.readBigUInt64LE(first + 48) > snapshot.readBigUInt64LE(second + 48) ? first : second;
}
