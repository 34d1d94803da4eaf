import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '@lockstep/shared/logging.ts';
import { timings } from '../timings.ts';
import { Unit, type UnitHost } from './unit.ts';
import { parseUnit } from './unit-file.ts';

/** Where units are looked for, on the node; the first wins. */
const UNIT_DIRECTORIES = ['/etc/systemd/system', '/usr/lib/systemd/system'] as const;

/** What was read of a unit, so that a later change on disk shows as `NeedDaemonReload`. */
interface Loaded {
  readonly unit: Unit;
  readonly fragmentPath: string;
  readonly dropInPaths: readonly string[];
  readonly digest: string;
}

/** A node's units. As with systemd, files count as they were at the last reload, not as they are. */
export class Manager {
  private readonly host: UnitHost;
  private readonly units = new Map<string, Loaded>();

  constructor(options: {
    readonly root: string;
    readonly environment: Readonly<Record<string, string>>;
    readonly logDirectory: string;
    readonly logger: Logger;
  }) {
    this.host = {
      root: options.root,
      environment: options.environment,
      logPath: (unit) => join(options.logDirectory, `${unit.replace(/\.service$/, '')}.log`),
      logger: options.logger,
    };
    this.reload();
  }

  reload(): void {
    const names = new Set(UNIT_DIRECTORIES.flatMap((directory) => this.serviceFiles(directory)));
    for (const name of names) {
      const files = this.filesOf(name);
      if (files === undefined) continue;
      try {
        const definition = parseUnit(files.texts, { stopTimeoutMs: timings.stopTimeoutMs });
        const unit = this.units.get(name)?.unit ?? new Unit(name, definition, this.host);
        unit.definition = definition;
        const { fragmentPath, dropInPaths, digest } = files;
        this.units.set(name, { unit, fragmentPath, dropInPaths, digest });
      } catch (error) {
        this.host.logger.error({ unit: name, error: String(error) }, 'unit file not understood');
      }
    }
  }

  /** Undefined where no such unit was loaded. */
  find(name: string): Unit | undefined {
    return this.units.get(name)?.unit;
  }

  async startEnabled(): Promise<void> {
    for (const { unit } of this.units.values()) if (this.isEnabled(unit.name)) await unit.start();
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.units.values()].map(({ unit }) => unit.stop()));
  }

  isEnabled(name: string): boolean {
    // The link is the fact; what it points to is meant for the node's own root.
    const link = join(this.host.root, UNIT_DIRECTORIES[0], 'multi-user.target.wants', name);
    return lstatSync(link, { throwIfNoEntry: false }) !== undefined;
  }

  /** As `systemctl show`; a unit that is not loaded has the properties of none. */
  properties(name: string): Record<string, string> {
    const loaded = this.units.get(name);
    if (loaded === undefined) {
      return {
        Id: name,
        TasksCurrent: '[not set]',
        LoadState: 'not-found',
        ActiveState: 'inactive',
        SubState: 'dead',
        MainPID: '0',
      };
    }
    const now = this.filesOf(name);
    return {
      ...loaded.unit.properties(),
      LoadState: 'loaded',
      FragmentPath: loaded.fragmentPath,
      DropInPaths: loaded.dropInPaths.join(' '),
      NeedDaemonReload: now?.digest === loaded.digest ? 'no' : 'yes',
      UnitFileState: this.isEnabled(name) ? 'enabled' : 'disabled',
      ControlGroup: `/system.slice/${name}`,
    };
  }

  private serviceFiles(directory: string): string[] {
    try {
      return readdirSync(join(this.host.root, directory)).filter((file) => file.endsWith('.service'));
    } catch {
      return [];
    }
  }

  private filesOf(
    name: string,
  ): { fragmentPath: string; dropInPaths: string[]; texts: string[]; digest: string } | undefined {
    const { root } = this.host;
    const directory = UNIT_DIRECTORIES.find((directory) => existsSync(join(root, directory, name)));
    if (directory === undefined) return undefined;
    const fragmentPath = join(directory, name);
    const dropIns = new Map<string, string>();
    for (const base of [...UNIT_DIRECTORIES].reverse()) {
      for (const file of this.confFiles(join(base, `${name}.d`)))
        dropIns.set(file, join(base, `${name}.d`, file));
    }
    const dropInPaths = [...dropIns].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
    const hash = createHash('sha256');
    const texts = [fragmentPath, ...dropInPaths].map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      hash.update(`${path}\0${text}\0`);
      return text;
    });
    return { fragmentPath, dropInPaths, texts, digest: hash.digest('hex') };
  }

  private confFiles(directory: string): string[] {
    const path = join(this.host.root, directory);
    try {
      return readdirSync(path).filter(
        (file) => file.endsWith('.conf') && statSync(join(path, file)).isFile(),
      );
    } catch {
      return [];
    }
  }
}
