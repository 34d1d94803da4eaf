import { randomUUID } from 'node:crypto';
import { type ApiObject, decodeObject, encodeObject } from './codec.ts';
import { type ResourcePath, resourcePrefix, storageKey } from './resource.ts';
import type { Selector } from './selectors.ts';
import {
  ApiError,
  alreadyExists,
  compacted,
  conflict,
  notFound,
  type StatusObject,
  SUCCESS,
  tooLarge,
} from './status.ts';
import { type EtcdStore, isCompacted, isFutureRevision } from './store.ts';
import type { StoredObject, WatchCache } from './watch-cache.ts';

export interface ListOptions {
  /** As the client gave it: `` is a consistent read, `0` whatever the cache has, else "not older than". */
  readonly resourceVersion: string;
  readonly exact: boolean;
  readonly selector: Selector;
}

export interface ObjectList {
  readonly kind: 'List';
  readonly apiVersion: 'v1';
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly ApiObject[];
}

/** As kube-apiserver's watch cache: longer, and the client is told that its revision is too large. */
const FRESH_TIMEOUT_MS = 3_000;
/** Attempts of a write that names no revision, against others writing the same object. */
const MAX_WRITE_ATTEMPTS = 5;

/** The verbs on stored objects. Every method rejects with an ApiError where the API would refuse. */
export class Api {
  private readonly store: EtcdStore;
  private readonly cache: WatchCache;
  private readonly etcdPrefix: string;

  constructor(options: { store: EtcdStore; cache: WatchCache; etcdPrefix: string }) {
    this.store = options.store;
    this.cache = options.cache;
    this.etcdPrefix = options.etcdPrefix;
  }

  async get(path: ResourcePath): Promise<ApiObject> {
    const { object } = await this.store.get(storageKey(this.etcdPrefix, path));
    if (object === undefined) throw notFound(path.resource, path.name ?? '');
    return decodeObject(object);
  }

  async list(path: ResourcePath, options: ListOptions): Promise<ObjectList> {
    const { objects, revision } = await this.read(storageKey(this.etcdPrefix, path), options);
    return {
      kind: 'List',
      apiVersion: 'v1',
      metadata: { resourceVersion: revision.toString() },
      items: objects.map(decodeObject).filter(options.selector),
    };
  }

  async create(path: ResourcePath, body: ApiObject): Promise<ApiObject> {
    const name = body.metadata.name ?? `${body.metadata.generateName ?? ''}${randomUUID().slice(0, 5)}`;
    const named = { ...path, name };
    const object: ApiObject = {
      ...body,
      metadata: {
        ...body.metadata,
        name,
        ...(path.namespace === undefined ? {} : { namespace: path.namespace }),
        uid: randomUUID(),
        creationTimestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
      },
    };
    const revision = await this.store.create(storageKey(this.etcdPrefix, named), encodeObject(object));
    if (revision === undefined) throw alreadyExists(path.resource, name);
    return atRevision(object, revision);
  }

  /** Replaces an object; one that names a revision only over that revision. */
  async update(path: ResourcePath, body: ApiObject): Promise<ApiObject> {
    return this.change(path, body.metadata.resourceVersion, (current) => ({
      ...(path.subresource === 'status' ? { ...current, status: body['status'] } : body),
      metadata: {
        ...(path.subresource === 'status' ? current.metadata : body.metadata),
        name: path.name ?? '',
        ...(path.namespace === undefined ? {} : { namespace: path.namespace }),
        ...(current.metadata.uid === undefined ? {} : { uid: current.metadata.uid }),
        ...(current.metadata.creationTimestamp === undefined
          ? {}
          : { creationTimestamp: current.metadata.creationTimestamp }),
      },
    }));
  }

  /** JSON merge patch (RFC 7386), which strategic merge patches of the lab are read as, too. */
  async patch(path: ResourcePath, patch: unknown): Promise<ApiObject> {
    return this.change(path, undefined, (current) => mergePatch(current, patch) as ApiObject);
  }

  async delete(path: ResourcePath): Promise<StatusObject> {
    const key = storageKey(this.etcdPrefix, path);
    for (let attempt = 0; attempt < MAX_WRITE_ATTEMPTS; attempt += 1) {
      const { object } = await this.store.get(key);
      if (object === undefined) throw notFound(path.resource, path.name ?? '');
      if ((await this.store.deleteIf(key, object.modRevision)) !== undefined) return SUCCESS;
    }
    throw conflict(path.resource, path.name ?? '');
  }

  /** The prefix that a watch on this path covers, and whether it covers exactly one key. */
  watchScope(path: ResourcePath): { readonly prefix: string; readonly single: boolean } {
    return { prefix: storageKey(this.etcdPrefix, path), single: path.name !== undefined };
  }

  listPrefix(path: ResourcePath): string {
    return resourcePrefix(this.etcdPrefix, path);
  }

  private async read(
    prefix: string,
    options: ListOptions,
  ): Promise<{ objects: readonly StoredObject[]; revision: bigint }> {
    if (options.resourceVersion === '') return this.store.list(prefix);
    const wanted = parseRevision(options.resourceVersion);
    if (options.exact) {
      try {
        return { ...(await this.store.list(prefix, wanted)), revision: wanted };
      } catch (error) {
        if (isCompacted(error)) throw compacted();
        if (isFutureRevision(error)) throw tooLarge(wanted, this.cache.revision);
        throw error;
      }
    }
    if (!(await this.cache.reached(wanted, AbortSignal.timeout(FRESH_TIMEOUT_MS)))) {
      throw tooLarge(wanted, this.cache.revision);
    }
    return { objects: this.cache.list(prefix), revision: this.cache.revision };
  }

  private async change(
    path: ResourcePath,
    wantedRevision: string | undefined,
    next: (current: ApiObject) => ApiObject,
  ): Promise<ApiObject> {
    const name = path.name ?? '';
    const key = storageKey(this.etcdPrefix, path);
    for (let attempt = 0; attempt < MAX_WRITE_ATTEMPTS; attempt += 1) {
      const { object: current } = await this.store.get(key);
      if (current === undefined) throw notFound(path.resource, name);
      if (wantedRevision !== undefined && wantedRevision !== current.modRevision.toString()) {
        throw conflict(path.resource, name);
      }
      const object = next(decodeObject(current));
      const revision = await this.store.putIf(key, encodeObject(object), current.modRevision);
      if (revision !== undefined) return atRevision(object, revision);
    }
    throw conflict(path.resource, name);
  }
}

/** Throws 400 where the text is no revision. */
export function parseRevision(text: string): bigint {
  if (!/^\d+$/.test(text))
    throw new ApiError(400, 'BadRequest', `invalid resource version ${JSON.stringify(text)}`);
  return BigInt(text);
}

function atRevision(object: ApiObject, revision: bigint): ApiObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: revision.toString() } };
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const merged: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  }
  return merged;
}
