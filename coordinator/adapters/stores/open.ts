import type { StoreConfig } from '../../config-stores.ts';
import type { Store } from '../../runner/ports.ts';
import { DirectoryStore } from './directory.ts';
import { S3Store } from './s3.ts';

/** The stores of a configuration. None is reached before it is used, and no code for S3 loaded. */
export function openStores(configured: readonly StoreConfig[]): Store[] {
  return configured.map(({ name, directory, s3, stallTimeoutMs }) => {
    if (directory !== undefined) return new DirectoryStore({ name, path: directory.path, stallTimeoutMs });
    if (s3 !== undefined) return new S3Store({ name, stallTimeoutMs, ...s3 });
    throw new TypeError(`store ${name} is of no kind`);
  });
}
