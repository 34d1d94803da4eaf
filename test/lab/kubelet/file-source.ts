import { type FSWatcher, readdirSync, readFileSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '@lockstep/shared/logging.ts';
import { timings } from '../timings.ts';
import { type Pod, staticPod } from './pod.ts';

export interface FileSourceOptions {
  /** The manifest directory, with the node's root in front. */
  readonly directory: string;
  /** As the node sees it: part of a pod's uid. */
  readonly nodePath: string;
  readonly node: string;
  readonly logger: Logger;
  /** The pods may be others now. */
  readonly onChange: () => void;
  /** How late what was seen is acted on; 0 unless the lab plays a slow kubelet. */
  readonly eventDelayMs: () => number;
}

/**
 * kubelet's manifest directory: inotify, and everything read again every 20 s. Any file is a manifest
 * whose name does not begin with a dot, whatever its suffix; subdirectories are not entered. A file that
 * does not parse keeps its pod at an event and loses it at the next relist.
 */
export class FileSource {
  private readonly options: FileSourceOptions;
  private byFile = new Map<string, Pod>();
  private watcher: FSWatcher | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(options: FileSourceOptions) {
    this.options = options;
  }

  start(): void {
    this.relist();
    this.timer = setInterval(() => this.relist(), timings.kubeletRelistMs);
  }

  stop(): void {
    clearInterval(this.timer);
    this.dropWatch();
  }

  pods(): Pod[] {
    return [...this.byFile.values()];
  }

  private relist(): void {
    this.watchDirectory();
    const pods = new Map<string, Pod>();
    for (const file of this.listFiles()) {
      try {
        pods.set(file, this.read(file));
      } catch (error) {
        this.options.logger.error({ file, error: String(error) }, 'manifest skipped');
      }
    }
    this.apply(() => {
      this.byFile = pods;
    });
  }

  /** A directory that was replaced by another has lost its watch. */
  private watchDirectory(): void {
    if (this.watcher !== undefined) return;
    try {
      this.watcher = watch(this.options.directory, (_, file) => {
        if (file !== null && isManifestName(file))
          setTimeout(() => this.onEvent(file), this.options.eventDelayMs());
      });
      this.watcher.once('error', () => this.dropWatch());
    } catch (error) {
      this.options.logger.warn({ error: String(error) }, 'manifest directory not watched');
    }
  }

  private dropWatch(): void {
    this.watcher?.close();
    this.watcher = undefined;
  }

  private onEvent(file: string): void {
    try {
      const pod = this.read(file);
      this.apply(() => this.byFile.set(file, pod));
    } catch (error) {
      if (isMissing(error)) this.apply(() => this.byFile.delete(file));
      else this.options.logger.error({ file, error: String(error) }, 'manifest not understood');
    }
  }

  private apply(change: () => void): void {
    const delayMs = this.options.eventDelayMs();
    const act = (): void => {
      change();
      this.options.onChange();
    };
    if (delayMs === 0) act();
    else setTimeout(act, delayMs);
  }

  private listFiles(): string[] {
    try {
      return readdirSync(this.options.directory)
        .filter(isManifestName)
        .filter((file) => !statSync(join(this.options.directory, file)).isDirectory())
        .sort();
    } catch (error) {
      if (isMissing(error)) this.dropWatch();
      this.options.logger.error({ error: String(error) }, 'manifest directory not read');
      return [];
    }
  }

  private read(file: string): Pod {
    const { directory, nodePath, node } = this.options;
    const text = readFileSync(join(directory, file), 'utf8');
    return staticPod(text, { node, path: `${nodePath}/${file}`, seen: new Date() });
  }
}

function isManifestName(file: string): boolean {
  return !file.startsWith('.');
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
