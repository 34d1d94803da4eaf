/** The last entry, and the only one that is not a collector's. */
export const MANIFEST_NAME = 'manifest.json';

/** "pod-logs": a collector's name is the first directory of all that it took. */
const COLLECTOR = '[a-z][a-z0-9-]{0,31}';
/** Nothing hidden, nothing that climbs, nothing that a shell or a terminal would take for more than a name. */
const PART = '[A-Za-z0-9_@+=,:][A-Za-z0-9._@+=,:-]{0,99}';
const ENTRY = new RegExp(`^${COLLECTOR}(?:/${PART})+$`, 'u');
const PLAIN_PART = new RegExp(`^${PART}$`, 'u');

/** ustar's room for a name: a prefix and a name, split at a slash. */
const MAX_NAME_BYTES = 100;
const MAX_PREFIX_BYTES = 155;

export function isCollectorName(text: string): boolean {
  return new RegExp(`^${COLLECTOR}$`, 'u').test(text);
}

/** Whether a name can be an entry's: what is none of these is refused, whatever it is. */
export function isEntryName(name: string): boolean {
  return name === MANIFEST_NAME || (ENTRY.test(name) && splitName(name) !== undefined);
}

/**
 * What a file of the host is called in the archive: its own path where that is plain, else a number.
 * The manifest holds the true one; so unpacking an archive never makes a hostile name.
 */
export function entryName(collector: string, hostPath: string, ordinal: number): string {
  const parts = hostPath.split('/').filter((part) => part !== '');
  const name = [collector, ...parts].join('/');
  const plain = parts.length > 0 && parts.every((part) => PLAIN_PART.test(part));
  return plain && isEntryName(name) ? name : `${collector}/odd-name-${ordinal}`;
}

export interface SplitName {
  readonly prefix: string;
  readonly name: string;
}

/** Where ustar holds the name; undefined where it is too long for it. */
export function splitName(path: string): SplitName | undefined {
  if (path.length <= MAX_NAME_BYTES) return { prefix: '', name: path };
  const slash = path.indexOf('/', path.length - MAX_NAME_BYTES - 1);
  if (slash < 1 || slash > MAX_PREFIX_BYTES) return undefined;
  return { prefix: path.slice(0, slash), name: path.slice(slash + 1) };
}
