/** The part of systemd's unit language that the lab's units use. Pure. */

export interface UnitDefinition {
  readonly description: string;
  readonly conditions: readonly Condition[];
  /** Program and arguments. */
  readonly execStart: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** On the node; one with a dash before it need not be there. */
  readonly environmentFiles: readonly string[];
  /** True: paths of the node in arguments and variables are mapped below its root, as in a container. */
  readonly mapPaths: boolean;
  readonly restart: 'no' | 'always' | 'on-failure';
  readonly restartMs: number;
  readonly stopTimeoutMs: number;
  readonly killMode: 'control-group' | 'process';
  readonly wantedBy: readonly string[];
}

/** `ConditionPathExists=`; `!` in front negates. */
export interface Condition {
  readonly path: string;
  readonly negated: boolean;
}

const DEFAULT_RESTART_MS = 100;

type Settings = Map<string, string[]>;

/**
 * One unit from its file and its drop-ins, in their order. As systemd does it, a later value replaces an
 * earlier one, lists grow, and an empty value empties a list. Throws on a line that is none.
 */
export function parseUnit(
  texts: readonly string[],
  defaults: { readonly stopTimeoutMs: number },
): UnitDefinition {
  const settings: Settings = new Map();
  for (const text of texts) collect(text, settings);
  const last = (name: string): string | undefined => settings.get(name)?.at(-1);
  const execStart = last('Service.ExecStart');
  const restart = last('Service.Restart') ?? 'no';
  return {
    description: last('Unit.Description') ?? '',
    conditions: (settings.get('Unit.ConditionPathExists') ?? []).map((value) => ({
      path: value.replace(/^!/, ''),
      negated: value.startsWith('!'),
    })),
    execStart: execStart === undefined ? [] : splitWords(execStart),
    environment: Object.fromEntries(
      (settings.get('Service.Environment') ?? []).flatMap(splitWords).map((word) => {
        const at = word.indexOf('=');
        return [word.slice(0, at), word.slice(at + 1)] as const;
      }),
    ),
    environmentFiles: settings.get('Service.EnvironmentFile') ?? [],
    mapPaths: last('X-Lab.MapPaths') === 'yes',
    restart: restart === 'always' || restart === 'on-failure' ? restart : 'no',
    restartMs: durationMs(last('Service.RestartSec')) ?? DEFAULT_RESTART_MS,
    stopTimeoutMs: durationMs(last('Service.TimeoutStopSec')) ?? defaults.stopTimeoutMs,
    killMode: last('Service.KillMode') === 'process' ? 'process' : 'control-group',
    wantedBy: settings.get('Install.WantedBy') ?? [],
  };
}

/** An environment file's variables: lines of NAME=value, quotes around the value left out. */
export function parseEnvironment(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const match = /^\s*([A-Za-z_]\w*)=(.*)$/.exec(line);
      return match?.[1] === undefined
        ? []
        : [[match[1], (match[2] ?? '').trim().replaceAll('"', '')] as const];
    }),
  );
}

function collect(text: string, settings: Settings): void {
  let section = '';
  for (const line of text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.trim())) {
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const header = /^\[(.+)\]$/.exec(line);
    if (header?.[1] !== undefined) {
      section = header[1];
      continue;
    }
    const at = line.indexOf('=');
    if (at < 0) throw new Error(`not a setting: ${line}`);
    const name = `${section}.${line.slice(0, at).trim()}`;
    const value = line.slice(at + 1).trim();
    settings.set(name, value === '' ? [] : [...(settings.get(name) ?? []), value]);
  }
}

/** Words by spaces; double quotes keep spaces together. */
function splitWords(text: string): string[] {
  return [...text.matchAll(/(?:[^\s"]+|"[^"]*")+/g)].map(([word]) => word.replaceAll('"', ''));
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, '': 1000 };

/** `10`, `10s`, `1min`, `500ms`. */
function durationMs(text: string | undefined): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|min|)$/.exec(text ?? '');
  if (match === null) return undefined;
  return Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? 1000);
}
