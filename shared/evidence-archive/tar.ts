import { LockstepError } from '../errors/lockstep-error.ts';
import { isEntryName, splitName } from './names.ts';

export const BLOCK_BYTES = 512;
/** Two blocks of zeros end an archive. */
export const END_BYTES = 2 * BLOCK_BYTES;

/** Where ustar holds what, in bytes. */
const AT = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  link: [157, 100],
  magic: [257, 8],
  prefix: [345, 155],
} as const;

type FieldName = keyof typeof AT;

const MAGIC = 'ustar\u000000';
const REGULAR_FILE = '0';
/** Of every entry: who unpacks it owns it, and nobody else reads it. What it was on the host says the manifest. */
const MODE = 0o600;
const MAX_MTIME_SECONDS = 8 ** 11 - 1;

export interface TarEntry {
  readonly name: string;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
}

/** The header of a plain file, POSIX ustar, as any tar reads it. */
export function tarHeader({ name, sizeBytes, mtimeSeconds }: TarEntry): Buffer {
  const split = splitName(name);
  if (split === undefined || !isEntryName(name)) throw new RangeError(`no entry's name: ${name}`);
  const header = Buffer.alloc(BLOCK_BYTES);
  const text = (field: FieldName, value: string): void => void header.write(value, AT[field][0], 'latin1');
  const octal = (field: FieldName, value: number): void =>
    text(field, `${value.toString(8).padStart(AT[field][1] - 1, '0')}\0`);
  text('name', split.name);
  text('prefix', split.prefix);
  octal('mode', MODE);
  octal('uid', 0);
  octal('gid', 0);
  octal('size', sizeBytes);
  octal('mtime', Math.min(Math.max(0, Math.floor(mtimeSeconds)), MAX_MTIME_SECONDS));
  text('type', REGULAR_FILE);
  text('magic', MAGIC);
  text('checksum', `${checksumOf(header).toString(8).padStart(6, '0')}\0 `);
  return header;
}

/** Zeros that bring a file's bytes up to a whole block. */
export function paddingBytes(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

export function isZero(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/**
 * What a header says. Only what {@link tarHeader} writes is taken: a plain file of a plain name. Throws
 * EVIDENCE_ARCHIVE_INVALID for links, devices, directories, extensions, paths that lead elsewhere.
 */
export function parseTarHeader(header: Buffer): TarEntry {
  const raw = (field: FieldName): string =>
    header.toString('latin1', AT[field][0], AT[field][0] + AT[field][1]);
  const text = (field: FieldName): string => {
    const value = raw(field);
    const end = value.indexOf('\0');
    if (end >= 0 && /[^\0]/u.test(value.slice(end))) throw invalid(`bytes hide behind its ${field}`);
    return end < 0 ? value : value.slice(0, end);
  };
  const octal = (field: FieldName): number => {
    const value = raw(field);
    if (!/^[0-7]+[\0 ]{1,2}$/u.test(value)) throw invalid(`its ${field} is no octal number`);
    return Number.parseInt(value, 8);
  };
  if (raw('magic') !== MAGIC) throw invalid('it is no ustar header');
  if (octal('checksum') !== checksumOf(header)) throw invalid('its checksum does not hold');
  if (raw('type') !== REGULAR_FILE) throw invalid('it is no plain file');
  if (text('link') !== '') throw invalid('it names a link');
  const prefix = text('prefix');
  const name = prefix === '' ? text('name') : `${prefix}/${text('name')}`;
  if (!isEntryName(name)) throw invalid('its name is none that this program writes');
  return { name, sizeBytes: octal('size'), mtimeSeconds: octal('mtime') };
}

function checksumOf(header: Buffer): number {
  const [start, length] = AT.checksum;
  let sum = 0;
  for (const [at, byte] of header.entries()) sum += at >= start && at < start + length ? 0x20 : byte;
  return sum;
}

function invalid(why: string): LockstepError {
  return new LockstepError('EVIDENCE_ARCHIVE_INVALID', {
    message: `An entry of the archive is refused: ${why}.`,
  });
}
