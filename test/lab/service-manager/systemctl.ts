import type { Manager } from './manager.ts';
import type { Unit } from './unit.ts';

/** What `systemctl` prints and how it ends. */
export interface Answer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Call {
  readonly verb: string;
  readonly units: readonly string[];
  readonly properties: readonly string[];
  readonly valueOnly: boolean;
  readonly quiet: boolean;
  readonly signal: NodeJS.Signals;
}

/** Exit codes as systemctl's: `is-active` of what is not, a unit that is not there. */
const NOT_ACTIVE = 3;
const NO_SUCH_UNIT_TO_SHOW = 4;
const NO_SUCH_UNIT = 5;

/** Options with a value, by what they mean here. */
const VALUED: Readonly<Record<string, 'property' | 'signal' | 'ignored'>> = {
  '-p': 'property',
  '--property': 'property',
  '-s': 'signal',
  '--signal': 'signal',
  '--kill-whom': 'ignored',
  '--kill-who': 'ignored',
  '-t': 'ignored',
  '--type': 'ignored',
};

export async function systemctl(manager: Manager, args: readonly string[]): Promise<Answer> {
  const call = parseCall(args);
  switch (call.verb) {
    case '--version':
      return ok('systemd 257 (lockstep lab)\n');
    case 'daemon-reload':
      manager.reload();
      return ok('');
    case 'show':
      return show(manager, call);
    case 'is-active':
      return isActive(manager, call);
    case 'is-enabled':
      return isEnabled(manager, call);
    case 'start':
      return onUnits(manager, call, (unit) => unit.start());
    case 'stop':
      return onUnits(manager, call, (unit) => unit.stop());
    case 'restart':
      return onUnits(manager, call, async (unit) => {
        await unit.stop();
        await unit.start();
      });
    case 'reset-failed':
      return onUnits(manager, call, async () => {});
    case 'kill':
      return onUnits(manager, call, async (unit) => {
        if (!unit.kill(call.signal))
          throw new Error(`Failed to kill unit ${unit.name}: No main process to kill`);
      });
    default:
      return failed(1, `Unknown command verb ${call.verb}.`);
  }
}

function parseCall(args: readonly string[]): Call {
  const words: string[] = [];
  const properties: string[] = [];
  let signal = 'SIGTERM';
  let valueOnly = false;
  let quiet = false;
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? '';
    const [name, inline] = splitOption(argument);
    const meaning = VALUED[name];
    if (meaning !== undefined) {
      const value = inline ?? args[++index] ?? '';
      if (meaning === 'property') properties.push(...value.split(','));
      if (meaning === 'signal') signal = value.startsWith('SIG') ? value : `SIG${value}`;
    } else if (argument === '--value') valueOnly = true;
    else if (argument === '-q' || argument === '--quiet') quiet = true;
    else if (argument === '--version' || !argument.startsWith('-')) words.push(argument);
  }
  const [verb = '', ...units] = words;
  return {
    verb,
    units: units.map((unit) => (/\.[a-z]+$/.test(unit) ? unit : `${unit}.service`)),
    properties,
    valueOnly,
    quiet,
    signal: signal as NodeJS.Signals,
  };
}

/** `--property=A` and `-pA` carry their value; `--property A` and `-p A` are followed by it. */
function splitOption(argument: string): [string, string?] {
  const long = /^(--[a-z-]+)=(.*)$/s.exec(argument);
  if (long?.[1] !== undefined) return [long[1], long[2] ?? ''];
  const short = /^(-[pst])(.+)$/s.exec(argument);
  if (short?.[1] !== undefined) return [short[1], short[2] ?? ''];
  return [argument];
}

function show(manager: Manager, { units, properties, valueOnly }: Call): Answer {
  const blocks = units.map((name) => {
    const all = manager.properties(name);
    const wanted = properties.length === 0 ? Object.keys(all) : properties;
    return wanted
      .filter((property) => all[property] !== undefined)
      .map((property) => (valueOnly ? `${all[property]}\n` : `${property}=${all[property]}\n`))
      .join('');
  });
  return ok(blocks.join('\n'));
}

function isActive(manager: Manager, { units, quiet }: Call): Answer {
  const states = units.map((name) => manager.find(name)?.activeState ?? 'inactive');
  const stdout = quiet ? '' : states.map((state) => `${state}\n`).join('');
  return { exitCode: states.includes('active') ? 0 : NOT_ACTIVE, stdout, stderr: '' };
}

function isEnabled(manager: Manager, { units, quiet }: Call): Answer {
  const unknown = units.find((name) => manager.find(name) === undefined);
  if (unknown !== undefined)
    return failed(NO_SUCH_UNIT_TO_SHOW, `Failed to get unit file state for ${unknown}.`);
  const enabled = units.map((name) => manager.isEnabled(name));
  const stdout = quiet ? '' : enabled.map((yes) => `${yes ? 'enabled' : 'disabled'}\n`).join('');
  return { exitCode: enabled.includes(true) ? 0 : 1, stdout, stderr: '' };
}

async function onUnits(manager: Manager, call: Call, act: (unit: Unit) => Promise<void>): Promise<Answer> {
  for (const name of call.units) {
    const unit = manager.find(name);
    if (unit === undefined)
      return failed(NO_SUCH_UNIT, `Failed to ${call.verb} ${name}: Unit ${name} not loaded.`);
    try {
      await act(unit);
    } catch (error) {
      return failed(1, error instanceof Error ? error.message : String(error));
    }
    if (call.verb === 'start' && unit.activeState === 'failed') {
      return failed(1, `Job for ${name} failed.`);
    }
  }
  return ok('');
}

function ok(stdout: string): Answer {
  return { exitCode: 0, stdout, stderr: '' };
}

function failed(exitCode: number, message: string): Answer {
  return { exitCode, stdout: '', stderr: `${message}\n` };
}
