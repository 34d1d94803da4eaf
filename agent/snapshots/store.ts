import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { LockstepError, refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type {
  SnapshotCard,
  SnapshotFacts,
  SnapshotMarks,
  StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { CarriedCard } from '@lockstep/shared/seal/card.ts';
import { cardFileText, parseCardFile } from '@lockstep/shared/seal/card-file.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import { isSafeName } from '../core/paths.ts';
import type { SnapshotShelf } from '../ports.ts';
import { renameDurably, syncDirectory, syncOrFail, writeAll } from './durable.ts';
import { addMarks, readMarks } from './marks.ts';
import { logDifferences } from './offline-log.ts';

export interface SnapshotStoreSettings {
  /** Real path of the directory. */
  readonly directory: string;
  /** The same as a host path, for people. */
  readonly hostDirectory: string;
  readonly node: string;
}

const SAVING = '.save.part';
const MARKS = '.marks.json';
const CARD_PART = '.json.part';
/** As `timedId` names a snapshot. */
const OWN_ID = /^s-\d{8}-\d{6}-[0-9a-z]{6}$/;

/**
 * The snapshots of this node: `ID.db` with its card `ID.json` beside it. A snapshot exists once
 * both bear their names; the database gets its name first, so that no card is without bytes. The
 * log of one that was copied offline lies in `ID.wal`, and has its name before either. A
 * file on its way in is `.ID.part`, or `.ID.save.part` where it is taken here. What came to be known
 * of it since is `ID.marks.json`.
 */
export class SnapshotStore implements SnapshotShelf {
  readonly #settings: SnapshotStoreSettings;
  /** Marks are read, added to and written: one after another. */
  #marking: Promise<unknown> = Promise.resolve();

  constructor(settings: SnapshotStoreSettings) {
    this.#settings = settings;
  }

  /** Real path of a snapshot's bytes. */
  pathOf(id: string): string {
    return join(this.#settings.directory, `${checked(id)}.db`);
  }

  /** Real path of the directory with the log of a member that was copied offline. */
  logOf(id: string): string {
    return join(this.#settings.directory, `${checked(id)}.wal`);
  }

  /** The same as a host path. */
  hostPathOf(id: string): string {
    return posix.join(this.#settings.hostDirectory, `${checked(id)}.db`);
  }

  /** Real path of a snapshot that is on its way in. */
  partOf(id: string): string {
    return join(this.#settings.directory, `.${checked(id)}.part`);
  }

  /** Real path of a snapshot that is being taken here. Unlike a pull, nothing can go on with it. */
  savingOf(id: string): string {
    return join(this.#settings.directory, `.${checked(id)}${SAVING}`);
  }

  /**
   * Removes what was left by a save, a pull or a removal that was killed. For when none can be under
   * way; returns the names. Bytes without a card stay where an open operation may have brought
   * them, since `operationOpenedMs`; where something is known of them; and where their name is not one
   * of ours.
   */
  async sweep(operationOpenedMs = Number.POSITIVE_INFINITY): Promise<string[]> {
    await this.prepare();
    const names = new Set(await readdir(this.#settings.directory));
    const orphans = new Set<string>();
    for (const name of names) {
      const id = name.endsWith('.db') ? name.slice(0, -'.db'.length) : '';
      if (!OWN_ID.test(id) || names.has(`${id}.json`) || names.has(`${id}${MARKS}`)) continue;
      const { ctimeMs } = await stat(this.pathOf(id));
      if (ctimeMs < operationOpenedMs) orphans.add(name);
    }
    const isLeft = (name: string): boolean => {
      if (name.endsWith(SAVING) || name.endsWith(CARD_PART) || orphans.has(name)) return true;
      const bytes = name.replace(/wal$/, 'db');
      return name.endsWith('.wal') && (!names.has(bytes) || orphans.has(bytes));
    };
    const left = [...names].filter(isLeft);
    for (const name of left) {
      await rm(join(this.#settings.directory, name), { recursive: true, force: true });
    }
    if (left.length > 0) await syncDirectory(this.#settings.directory);
    return left;
  }

  /** The directory, and its name for good: a snapshot is no safer than the directory it lies in. */
  async prepare(): Promise<void> {
    await mkdir(this.#settings.directory, { recursive: true, mode: 0o700 });
    await syncDirectory(dirname(this.#settings.directory));
  }

  /** Newest first. A card that cannot be read is left out. */
  async list(): Promise<StoredSnapshot[]> {
    await this.prepare();
    const names = await readdir(this.#settings.directory);
    const ids = names
      .filter((name) => name.endsWith('.json') && !name.endsWith(MARKS))
      .map((name) => name.slice(0, -'.json'.length));
    const found = await Promise.all(ids.filter(isSafeName).map((id) => this.find(id).catch(() => undefined)));
    return found
      .filter((snapshot) => snapshot !== undefined)
      .sort((a, b) => (b.card?.takenAt ?? '').localeCompare(a.card?.takenAt ?? ''));
  }

  /** The card and the place of a snapshot; undefined where this node has none of that id. */
  async find(id: string): Promise<StoredSnapshot | undefined> {
    const [text, bytes, marks] = await Promise.all([
      readFile(this.#cardOf(id), 'utf8').catch(ifMissing),
      stat(this.pathOf(id)).catch(ifMissing),
      this.marks(id),
    ]);
    if (bytes === undefined) return undefined;
    if (text === undefined) {
      throw new LockstepError('SNAPSHOT_CARD_MISSING', {
        node: this.#settings.node,
        message: `Snapshot ${id} on ${this.#settings.node} has no card.`,
      });
    }
    const { card, sealed } = parseCard(id, text);
    const path = this.hostPathOf(id);
    return {
      card,
      node: this.#settings.node,
      path,
      file: { path, sha256: card.facts?.fileSha256 ?? '', sizeBytes: BigInt(bytes.size) },
      sealed,
      marks,
      trust: undefined,
    };
  }

  /** Throws SNAPSHOT_NOT_FOUND. */
  async get(id: string): Promise<StoredSnapshot & { card: SnapshotCard }> {
    const found = await this.find(id);
    if (found?.card === undefined) {
      throw new LockstepError('SNAPSHOT_NOT_FOUND', {
        node: this.#settings.node,
        message: `${this.#settings.node} holds no snapshot ${id}.`,
      });
    }
    return { ...found, card: found.card };
  }

  /** Gives a synced and proven part, which a pull or a save has made, its name, with its card. */
  async keep(carried: CarriedCard, from: string = this.partOf(carried.card.id)): Promise<StoredSnapshot> {
    await renameDurably(from, this.pathOf(carried.card.id));
    return this.rewriteCard(carried);
  }

  /** The card of a snapshot that is here, as it is sealed now: it has the one or the other, whole. */
  async rewriteCard(carried: CarriedCard): Promise<StoredSnapshot> {
    const { id } = carried.card;
    const cardPath = this.#cardOf(id);
    const part = `${cardPath}.part`;
    {
      await using handle = await open(part, 'w', 0o600);
      await writeAll(handle, Buffer.from(cardFileText(carried)), part);
      await syncOrFail(handle, part);
    }
    await renameDurably(part, cardPath);
    return this.get(id);
  }

  /** Removes what arrived of a snapshot whose pull was given up; one that is whole stays. */
  async removePart(id: string): Promise<void> {
    await rm(this.partOf(id), { force: true });
  }

  /** What is known of one, whole or not; undefined where nothing is. */
  marks(id: string): Promise<SnapshotMarks | undefined> {
    return readMarks(this.#marksOf(id), id, this.#settings.node);
  }

  /** Adds to what is known of a snapshot that is here. Throws SNAPSHOT_NOT_FOUND, MARKS_UNREADABLE. */
  async mark(marks: SnapshotMarks): Promise<SnapshotMarks> {
    const { snapshotId } = marks;
    const mine = this.#marking.then(async () => {
      await this.get(snapshotId);
      return addMarks(this.#marksOf(snapshotId), marks, this.#settings.node);
    });
    this.#marking = mine.catch(() => undefined);
    return mine;
  }

  /**
   * Removes a snapshot, or what there is of one. The card goes first and for good, so that nothing
   * half is ever listed; what pins it goes last.
   */
  async remove(id: string): Promise<void> {
    const { directory } = this.#settings;
    await this.prepare();
    await rm(this.#cardOf(id), { force: true });
    await syncDirectory(directory);
    const bytes = [this.pathOf(id), this.partOf(id), this.savingOf(id), this.logOf(id)];
    for (const path of [...bytes, this.#marksOf(id)]) await rm(path, { recursive: true, force: true });
    await syncDirectory(directory);
  }

  /** Reads the whole snapshot again. What is broken or differs from the card comes as refusals. */
  async verify(
    id: string,
    signal: AbortSignal,
    { background } = { background: false },
  ): Promise<{ facts: SnapshotFacts | undefined; refusals: Refusal[] }> {
    const node = this.#settings.node;
    try {
      const { card } = await this.get(id);
      const facts = await readSnapshotFacts(this.pathOf(id), { trailer: 'required', background }, signal);
      const differences = cardDifferences(card, facts);
      // The log stays where it was taken: what is pulled elsewhere is the snapshot alone.
      if (card.offline !== undefined && card.node === node) {
        differences.push(...(await logDifferences(card.offline, this.logOf(id), signal)));
      }
      return {
        facts,
        refusals:
          differences.length === 0
            ? []
            : [
                refusal(
                  'SNAPSHOT_CARD_MISMATCH',
                  `Snapshot ${id} on ${node}: ${differences.join('; ')}.`,
                  node,
                ),
              ],
      };
    } catch (error) {
      if (error instanceof LockstepError && error.code.startsWith('SNAPSHOT_')) {
        if (error.code === 'SNAPSHOT_NOT_FOUND') throw error;
        return { facts: undefined, refusals: [refusal(error.code, error.message, node)] };
      }
      throw error;
    }
  }

  #cardOf(id: string): string {
    return join(this.#settings.directory, `${checked(id)}.json`);
  }

  #marksOf(id: string): string {
    return join(this.#settings.directory, `${checked(id)}${MARKS}`);
  }
}

/**
 * In what the bytes differ from their card, in words. The file's own digest decides; the others
 * say more, and catch a card that was changed.
 */
export function cardDifferences(card: SnapshotCard, facts: SnapshotFacts): string[] {
  const said = card.facts;
  if (said === undefined) return ['the card holds no facts'];
  const pairs: [string, Figure, Figure][] = [
    ['file digest', said.fileSha256, facts.fileSha256],
    ['size', said.fileSizeBytes, facts.fileSizeBytes],
    ['content digest', said.contentSha256, facts.contentSha256],
    ['revision', said.status?.revision, facts.status?.revision],
    ['hash', said.status?.hash, facts.status?.hash],
  ];
  return pairs
    .filter(([, card, found]) => card !== found)
    .map(([name, card, found]) => `the card says ${name} ${String(card)}, the bytes say ${String(found)}`);
}

type Figure = string | number | bigint | undefined;

function parseCard(id: string, text: string): CarriedCard {
  try {
    const carried = parseCardFile(text);
    if (carried.card.id !== id) throw new Error(`the card is of snapshot ${carried.card.id}`);
    return carried;
  } catch (cause) {
    throw new LockstepError('SNAPSHOT_CARD_MISMATCH', {
      message: `The card of snapshot ${id} cannot be read.`,
      cause,
    });
  }
}

function checked(id: string): string {
  if (!isSafeName(id)) {
    throw new LockstepError('SNAPSHOT_NOT_FOUND', { message: `${JSON.stringify(id)} is no snapshot id.` });
  }
  return id;
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
