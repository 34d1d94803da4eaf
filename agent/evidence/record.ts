import type { BigIntStats } from 'node:fs';
import type { CollectorOutcome, EvidenceFile, NotTaken } from '@lockstep/shared/evidence-archive/manifest.ts';
import { entryName } from '@lockstep/shared/evidence-archive/names.ts';
import type { TarEntry } from '@lockstep/shared/evidence-archive/tar.ts';
import type { HostName, Seen } from './host-tree.ts';
import type { Untaken } from './item.ts';

/** What was read of a file of the host. */
export interface Taken {
  readonly seen: Pick<Seen, 'path' | 'stats'>;
  readonly offsetBytes: number;
  readonly shrankAtBytes: number | undefined;
}

/** What has been gathered and what not, collector by collector: the manifest's lists as they grow. */
export class Record {
  readonly files: EvidenceFile[] = [];
  readonly notTaken: NotTaken[] = [];
  readonly collectors: CollectorOutcome[] = [];
  notTakenCount = 0;
  plainBytes = 0;
  readonly #maxNotTaken: number;
  readonly #names = new Set<string>();

  constructor(maxNotTaken: number) {
    this.#maxNotTaken = maxNotTaken;
  }

  /** One collector's part; `end` or `fail` closes it. */
  begin(collector: string, startedMs: number) {
    const before = { files: this.files.length, notTaken: this.notTakenCount, plainBytes: this.plainBytes };
    let limited = '';
    const close = (outcome: CollectorOutcome['outcome'], reason: string, nowMs: number): void => {
      this.collectors.push({
        name: collector,
        outcome,
        reason,
        startedAt: new Date(startedMs).toISOString(),
        endedAt: new Date(nowMs).toISOString(),
        files: this.files.length - before.files,
        plainSizeBytes: this.plainBytes - before.plainBytes,
        notTaken: this.notTakenCount - before.notTaken,
      });
    };
    return {
      nameFor: (path: HostName): string => this.#nameFor(collector, path),
      keep: (entry: TarEntry, sha256: string, taken: Taken | undefined): void => {
        this.plainBytes += entry.sizeBytes;
        const { name, sizeBytes } = entry;
        this.files.push({
          name,
          collector,
          sizeBytes,
          sha256,
          ...(taken === undefined ? {} : { source: sourceOf(taken) }),
        });
      },
      leave: (item: Untaken): void => {
        this.notTakenCount += 1;
        if (item.limited) limited ||= item.why;
        if (this.notTaken.length < this.#maxNotTaken) this.notTaken.push(notTakenOf(collector, item));
      },
      limit: (why: string): void => {
        limited ||= why;
      },
      end: (nowMs: number): void => close(limited === '' ? 'done' : 'limited', limited, nowMs),
      fail: (why: string, nowMs: number): void => close('failed', why, nowMs),
    };
  }

  /** Each name once, also where one file of the host is called as another one is here. */
  #nameFor(collector: string, path: HostName): string {
    let name = entryName(collector, pathText(path).path, this.#names.size);
    for (let ordinal = this.#names.size; this.#names.has(name); ordinal += 1) {
      name = `${collector}/odd-name-${ordinal}`;
    }
    this.#names.add(name);
    return name;
  }
}

/** A name's bytes as text, and the bytes themselves where the text does not tell them. */
export function pathText(path: HostName): { path: string; pathBytes?: string } {
  const bytes = Buffer.from(path, 'latin1');
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes)
    ? { path: text }
    : { path: text, pathBytes: bytes.toString('base64') };
}

function sourceOf({ seen, offsetBytes, shrankAtBytes }: Taken): NonNullable<EvidenceFile['source']> {
  return {
    ...pathText(seen.path),
    ...onHost(seen.stats),
    sizeBytes: Number(seen.stats.size),
    skippedBytes: offsetBytes,
    ...(shrankAtBytes === undefined ? {} : { shrankAtBytes }),
  };
}

function notTakenOf(collector: string, { path, kind, seen, why }: Untaken): NotTaken {
  return {
    collector,
    ...pathText(path),
    kind,
    ...(seen === undefined ? {} : { ...onHost(seen.stats), sizeBytes: Number(seen.stats.size) }),
    ...(seen?.target === undefined ? {} : { target: pathText(seen.target).path }),
    why,
  };
}

export function onHost(stats: BigIntStats) {
  return {
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    modifiedAt: instantOf(stats.mtimeMs),
    changedAt: instantOf(stats.ctimeMs),
    inode: `${stats.dev}/${stats.ino}`,
  };
}

/** A file may claim any time at all; one that no date has is told as a number. */
function instantOf(ms: bigint): string {
  const date = new Date(Number(ms));
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}
