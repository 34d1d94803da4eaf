import type { Stores } from '@lockstep/agent/ports.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Inode } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { DIRECTORY, type DiskName } from '../disk.ts';
import type { Host, Store } from '../host.ts';
import type { AgentIo } from '../io.ts';
import { DEVICE, OPERATION_ID, STATE_DIR } from '../plan.ts';

export const DATA_DIR = '/var/lib/etcd';
export const STAGING_DIR = `/var/lib/.lockstep/${OPERATION_ID}`;
export const NEW_STORE = `${STAGING_DIR}/store`;
/** Of the restore, and of what sets a node aside: no node ever has both. */
const OPERATIONS = `${STATE_DIR}/operations/`;

/** Stores on the simulated disk, call for call as agent/adapters/stores.ts goes about it. */
export class SimStores implements Stores {
  readonly #io: AgentIo;
  readonly #host: Host;

  constructor(io: AgentIo) {
    this.#io = io;
    this.#host = io.node.host;
  }

  inodeOf(path: string, signal: AbortSignal): Promise<Inode | undefined> {
    signal.throwIfAborted();
    const name = this.#storeName(path);
    return this.#io.read(`inode of ${path === DATA_DIR ? 'OLD or NEW in place' : 'the other'}`, () =>
      name.volatile === 0 ? undefined : { device: DEVICE, number: BigInt(name.volatile) },
    );
  }

  async exchange(
    request: { inPlace: string; other: string; lockDb: string; prove: () => Promise<void> },
    signal: AbortSignal,
  ): Promise<void> {
    const host = this.#host;
    const { disk } = host;
    try {
      await this.#io.read('lock', () => {
        for (const { volatile: inode } of [disk.inPlace, disk.other]) {
          if (inode === 0) throw new LockstepError('STORE_NOT_AS_RECORDED');
          if (host.etcds.some((etcd) => etcd.inode === inode && !etcd.waitsForLock)) {
            throw new LockstepError('STORE_LOCKED');
          }
          host.agentLocks.set(inode, this.#io.actor);
        }
      });
      await request.prove();
      signal.throwIfAborted();
      await this.#io.effect('exchange', () => {
        const [inPlace, other] = [disk.inPlace.volatile, disk.other.volatile];
        if (inPlace === 0 || other === 0) throw new LockstepError('EXCHANGE_FAILED');
        disk.change(DIRECTORY.varLib | DIRECTORY.staging, [disk.inPlace, other], [disk.other, inPlace]);
      });
      await this.#io.sync('names in place', () => disk.sync(DIRECTORY.varLib));
      await this.#io.sync('other names', () => disk.sync(DIRECTORY.staging));
      await request.prove();
    } finally {
      if (!this.#io.actor.dead) host.unlock(this.#io.actor);
    }
  }

  async syncNames(_paths: readonly string[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { disk } = this.#host;
    await this.#io.sync('names in place', () => disk.sync(DIRECTORY.varLib));
    await this.#io.sync('other names', () => disk.sync(DIRECTORY.staging));
  }

  async adopt(_tree: string, _model: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { disk } = this.#host;
    await this.#io.sync('NEW', () => {
      const store = this.#built();
      if (store !== undefined) store.durable = store.content;
    });
    await this.#io.sync('NEW by name', () => disk.sync(DIRECTORY.staging));
    await this.#io.effect('keep', () => disk.change(DIRECTORY.staging, [disk.keep, disk.inPlace.volatile]));
    await this.#io.sync('keep', () => disk.sync(DIRECTORY.staging));
  }

  async makeDirectory(path: string, _mode: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { disk } = this.#host;
    const isStaging = path === STAGING_DIR;
    const name = isStaging ? disk.stagingDir : disk.operationDir;
    const parent = isStaging ? DIRECTORY.lockstep : DIRECTORY.state;
    await this.#io.effect('mkdir', () => {
      if (name.volatile === 0) disk.change(parent, [name, 1]);
    });
    await this.#io.sync('mkdir', () => disk.sync(parent));
  }

  async removeOwnTree(path: string, operationId: string, signal: AbortSignal): Promise<void> {
    if (operationId !== OPERATION_ID || (path !== STAGING_DIR && path !== NEW_STORE)) {
      throw new LockstepError('PATH_NOT_ALLOWED', { message: path });
    }
    const { disk, stores } = this.#host;
    const kept = await this.#io.read('kept inodes', () => disk.keep.volatile);
    if (kept !== 0 && disk.other.volatile === kept) {
      throw new LockstepError('STORE_NOT_AS_RECORDED', { message: `${path} holds OLD` });
    }
    signal.throwIfAborted();
    const inode = disk.other.volatile;
    if (inode !== 0) {
      await this.#io.effect('unlink files', () => {
        const store = stores.get(inode);
        if (store === undefined) return;
        // What is unlinked may be gone for good before the next sync, and half of it is.
        store.content = 'partial';
        store.durable = 'partial';
        if (store.incarnation === 'old') store.intact = false;
      });
      await this.#io.effect('rmdir store', () => {
        disk.change(DIRECTORY.staging, [disk.other, 0]);
        const store = stores.get(inode);
        if (store !== undefined) store.removed = true;
      });
    }
    if (path === STAGING_DIR) {
      await this.#io.effect('rmdir staging', () => {
        disk.change(DIRECTORY.staging, [disk.keep, 0]);
        disk.change(DIRECTORY.lockstep, [disk.stagingDir, 0]);
      });
      await this.#io.sync('rmdir staging', () => disk.sync(DIRECTORY.lockstep | DIRECTORY.staging));
    } else {
      await this.#io.sync('rmdir store', () => disk.sync(DIRECTORY.staging));
    }
  }

  async writeFile(path: string, _content: unknown, _mode: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { disk } = this.#host;
    const name = path.endsWith('plan.json') ? disk.planFile : disk.undoFile;
    await this.#io.effect('write', () => disk.change(DIRECTORY.operation, [name, 1]));
    await this.#io.sync('write', () => disk.sync(DIRECTORY.operation));
  }

  copyStore(): never {
    throw new Error('no step copies a store');
  }

  async freeBytes(): Promise<bigint> {
    return 100_000_000_000n;
  }

  realPath(path: string): string {
    if (
      !path.startsWith(DATA_DIR) &&
      !path.startsWith('/var/lib/.lockstep') &&
      !path.startsWith(OPERATIONS)
    ) {
      throw new LockstepError('PATH_NOT_ALLOWED', { message: path });
    }
    return path;
  }

  #built(): Store | undefined {
    return this.#host.stores.get(this.#host.disk.other.volatile);
  }

  #storeName(path: string): DiskName {
    if (path === DATA_DIR) return this.#host.disk.inPlace;
    if (path === NEW_STORE) return this.#host.disk.other;
    throw new Error(`no store is ever at ${path}`);
  }
}
