import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, posix } from 'node:path';

import { sha256Hex } from '@lockstep/shared/digest.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { UnitFileReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';

import { errorCodeOf } from '../../adapters/host-files.ts';
import { type AllowedPrefix, HostRoot } from '../../adapters/host-root.ts';
import { type EtcdSettings, settingsOf, withEnvironment } from '../etcd-settings.ts';
import { lastValue, parseFlags } from '../flags.ts';
import { flagsOfConfigFile } from './etcd-config-file.ts';
import { expandWords, parseEnvironmentFile, parseServiceUnit } from './unit-file.ts';

/** Where systemd looks for units; the first wins. */
const LATER_UNIT_DIRECTORIES = [
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
] as const;

/** Lockstep's own condition on the unit's start: it says nothing of what is run. */
export const OWN_DROP_IN = '99-lockstep-hold.conf';

/** What etcd's unit says, from its files as they lie on the disk now. */
export interface EtcdUnit {
  readonly fragmentPath: string;
  /** In the order in which they count, Lockstep's own left out. */
  readonly dropIns: readonly string[];
  /** The command as etcd gets it. */
  readonly words: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly user: string;
  readonly group: string;
  /** Everything that was read for it. */
  readonly files: readonly UnitFileReport[];
  readonly settings: EtcdSettings;
}

/**
 * Reads etcd's unit, its drop-ins, its environment files and its configuration file; each time it
 * is asked, and synchronously, because the wall around the agent's paths asks as well.
 */
export class EtcdUnitFiles {
  readonly #root: HostRoot;
  readonly #unit: string;
  readonly #directories: readonly string[];
  /** What the unit names is to be read, wherever it lies. */
  #named: readonly AllowedPrefix[] = [];

  /** `unitDir` is where an administrator's units lie, "/etc/systemd/system". */
  constructor(hostRoot: string, unitDir: string, unit: string) {
    this.#unit = unit;
    this.#directories = [unitDir, ...LATER_UNIT_DIRECTORIES];
    const fixed = this.#directories.map((path): AllowedPrefix => ({ path, access: 'read' }));
    this.#root = new HostRoot(hostRoot, fixed, () => this.#named);
  }

  settings(): EtcdSettings | undefined {
    return this.read()?.settings;
  }

  /** Undefined where there is no such unit. Throws NODE_INSPECTION_FAILED for what is named and not there. */
  read(): EtcdUnit | undefined {
    const fragment = this.#directories
      .map((directory) => this.#fileIfThere(posix.join(directory, this.#unit)))
      .find((file) => file !== undefined);
    if (fragment === undefined) return undefined;
    const dropIns = this.#dropIns().flatMap((path) => this.#fileIfThere(path) ?? []);
    const parsed = parseServiceUnit([fragment.text, ...dropIns.map(({ text }) => text)]);
    const environmentFiles = parsed.environmentFiles.flatMap(({ path, optional }) =>
      this.#environmentFile(path, optional),
    );
    const environment = new Map([
      ...parsed.environment,
      // A file counts more than the unit's own lines.
      ...environmentFiles.flatMap(({ text }) => [...parseEnvironmentFile(text)]),
    ]);
    const words = expandWords(parsed.execStart, environment);
    const flags = withEnvironment(parseFlags(words.slice(1)), environment);
    const configPath = lastValue(flags, 'config-file');
    const config = configPath === undefined ? undefined : this.#needed(configPath);
    const said = config === undefined ? flags : flagsOfConfigFile(config.text);
    const unknowable = parsed.unknowable || whyUnknowable(words, lastValue(said, 'data-dir'));
    const files = [fragment, ...dropIns, ...environmentFiles, ...(config === undefined ? [] : [config])];
    return {
      fragmentPath: fragment.report.path,
      dropIns: dropIns.map(({ report }) => report.path),
      words,
      environment,
      user: parsed.user,
      group: parsed.group,
      files: files.map(({ report }) => report),
      settings: settingsOf(said, (path) => path, unknowable),
    };
  }

  /** Whether two lists of paths lead to the same files: /lib is /usr/lib on many a host. */
  leadToTheSame(some: readonly string[], others: readonly string[]): boolean {
    const real = (paths: readonly string[]): string => {
      return paths.map((path) => this.#root.resolve(path, 'read')).join('\n');
    };
    try {
      return real(some) === real(others);
    } catch (thrown) {
      // Outside of where units are: not what was read.
      if (thrown instanceof LockstepError) return false;
      throw thrown;
    }
  }

  /** What the unit lets the agent touch: the store and the place beside it, and, for reading, its keys. */
  declaredPrefixes(): AllowedPrefix[] {
    const settings = this.settings();
    if (settings === undefined || settings.unknowable !== '') return [];
    const { dataDir } = settings;
    const keys = [
      settings.certFile,
      settings.keyFile,
      settings.trustedCaFile,
      settings.peerCertFile,
      settings.peerKeyFile,
      settings.peerTrustedCaFile,
    ].flatMap((path) => (path === undefined ? [] : [dirname(path)]));
    return [
      { path: dataDir, access: 'write' },
      { path: posix.join(dirname(dataDir), '.lockstep'), access: 'write' },
      ...[...new Set(keys)].map((path): AllowedPrefix => ({ path, access: 'read' })),
    ];
  }

  /** Of one name only that in the first directory counts; they are read in the order of their names. */
  #dropIns(): string[] {
    const byName = new Map<string, string>();
    for (const directory of this.#directories.toReversed()) {
      const path = posix.join(directory, `${this.#unit}.d`);
      for (const name of this.#names(path)) {
        if (name.endsWith('.conf') && name !== OWN_DROP_IN) byName.set(name, posix.join(path, name));
      }
    }
    return [...byName].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
  }

  #environmentFile(path: string, optional: boolean): ReadFile[] {
    if (!optional) return [this.#needed(path)];
    this.#allow(path);
    const found = this.#fileIfThere(path);
    return found === undefined ? [] : [found];
  }

  #needed(path: string): ReadFile {
    if (!isAbsolute(path)) throw missing(`${this.#unit} names '${path}', which is no absolute path.`);
    this.#allow(path);
    const found = this.#fileIfThere(path);
    if (found === undefined) throw missing(`${this.#unit} names '${path}', which is not there.`);
    return found;
  }

  #allow(path: string): void {
    if (this.#named.some((known) => known.path === path)) return;
    this.#named = [...this.#named, { path, access: 'read' }];
  }

  #fileIfThere(path: string): ReadFile | undefined {
    const real = this.#root.resolve(path, 'read');
    const stats = statSync(real, { throwIfNoEntry: false });
    // A unit that is linked to /dev/null is masked, and says nothing.
    if (stats === undefined || !stats.isFile()) return undefined;
    const text = readFileSync(real, 'utf8');
    const { uid, gid, mode } = stats;
    return { text, report: { path, sha256: sha256Hex(text), uid, gid, mode: mode & 0o7777 } };
  }

  #names(directory: string): string[] {
    try {
      return readdirSync(this.#root.resolve(directory, 'read'));
    } catch (thrown) {
      if (errorCodeOf(thrown) === 'ENOENT' || errorCodeOf(thrown) === 'ENOTDIR') return [];
      throw thrown;
    }
  }
}

interface ReadFile {
  readonly text: string;
  readonly report: UnitFileReport;
}

function whyUnknowable([program = '']: readonly string[], dataDir: string | undefined): string {
  if (posix.basename(program) !== 'etcd') {
    return `etcd is started through '${program}', so that its flags cannot be read`;
  }
  if (dataDir === undefined) return 'the unit names no data directory';
  return isAbsolute(dataDir) ? '' : `the data directory '${dataDir}' is not absolute`;
}

function missing(message: string): LockstepError {
  return new LockstepError('NODE_INSPECTION_FAILED', { message });
}
