import { type Command, Option } from 'commander';
import { collectText, parseInstant } from '../arguments.ts';
import type { DamageOptions } from '../commands/inspect/damage.ts';
import type { DiffOptions } from '../commands/inspect/diff.ts';
import type { ExportOptions } from '../commands/inspect/export.ts';
import type { GetOptions } from '../commands/inspect/get.ts';
import type { HistoryOptions } from '../commands/inspect/history.ts';
import type { KeysOptions } from '../commands/inspect/keys.ts';
import type { SandboxOptions } from '../commands/inspect/sandbox.ts';
import type { TimelineOptions } from '../commands/inspect/timeline.ts';
import { EXPORT_FORMATS } from '../export/formats.ts';
import { type CommonOptions, type Does, noun } from './command.ts';
import { findingCommands } from './inspect-findings.ts';
import { encryptionOption, examining, FILE, reading, revisionOption } from './inspect-options.ts';
import { reportCommand } from './inspect-report.ts';

const WHAT = 'a resource as kubectl names it, RESOURCE/NAME, or a whole key';

/** What reads files alone: no coordinator, no configuration. */
export function inspections(program: Command, does: Does): void {
  const inspect = noun(program, 'inspect', 'what happened, from a file alone; it is only read');
  keys(inspect, does);
  get(inspect, does);
  history(inspect, does);
  diff(inspect, does);
  timeline(inspect, does);
  exporting(inspect, does);
  findingCommands(inspect, does);
  reportCommand(inspect, does);
  damage(inspect, does);
  playing(inspect, does);
}

function damage(inspect: Command, does: Does): void {
  examining(
    inspect,
    'damage',
    'each page at fault of a torn file, and what can be read around it; ends with 8 where there is any',
    'lockstep inspect damage ./torn.db',
    'lockstep inspect damage ./torn.db --rows -o json',
  )
    .argument('<file>', 'a snapshot of etcd, or a store out of a data directory')
    .option('--rows', 'every row that can be read, and where it lies', false)
    .action((file: string, options: CommonOptions & DamageOptions) =>
      does(
        reading(options, async () =>
          (await import('../commands/inspect/damage.ts')).showDamage(file, options),
        ),
      ),
    );
}

function keys(inspect: Command, does: Does): void {
  examining(
    inspect,
    'keys',
    'the current keys of a store',
    'lockstep inspect keys ./backup.db',
    'lockstep inspect keys ./backup.db --summary',
    'lockstep inspect keys ./backup.db --resource secrets --namespace kube-system -o name',
  )
    .argument('<file>', FILE)
    .option('--prefix <text>', 'keys that begin so')
    .option('--resource <resource>', 'as kubectl names it: pods, po, deployments.apps')
    .option('-n, --namespace <name>', 'of this namespace')
    .addOption(revisionOption())
    .option('--summary', 'counts and bytes of each resource', false)
    .action((file: string, options: CommonOptions & KeysOptions) =>
      does(
        reading(options, async (invocation) =>
          (await import('../commands/inspect/keys.ts')).showKeys(invocation, file, options),
        ),
      ),
    );
}

function get(inspect: Command, does: Does): void {
  const command = examining(
    inspect,
    'get',
    'an object as the API server printed it, now or at a revision',
    'lockstep inspect get ./backup.db pods etcd-cp1 -n kube-system',
    'lockstep inspect get ./backup.db deploy/api -n team-01 --revision 4711 -o json',
    'lockstep inspect get ./backup.db /registry/secrets/team-01/db --encryption-config ./enc.yaml',
  )
    .argument('<file>', FILE)
    .argument('<what>', WHAT)
    .argument('[name]', 'of the object; without one all of the resource')
    .option('-n, --namespace <name>', 'of this namespace')
    .addOption(revisionOption())
    .addOption(encryptionOption())
    .action((file: string, what: string, name: string | undefined, options: CommonOptions & GetOptions) =>
      does(
        reading(options, async (invocation) =>
          (await import('../commands/inspect/get.ts')).getObject(invocation, file, what, name, options),
        ),
      ),
    );
  command.options.find(({ long }) => long === '--output')?.default('yaml');
  command.setOptionValue('output', 'yaml');
}

function history(inspect: Command, does: Does): void {
  examining(
    inspect,
    'history',
    'each version of an object: when, by which tool, what changed',
    'lockstep inspect history ./backup.db secrets db -n team-01',
    'lockstep inspect history ./backup.db /registry/events/team-01/api.17a2 -o json',
  )
    .argument('<file>', FILE)
    .argument('<what>', WHAT)
    .argument('[name]', 'of the object')
    .option('-n, --namespace <name>', 'of this namespace')
    .option('--show-secrets', 'the values of secrets, not marks in their place', false)
    .option('--all', 'also heartbeats and bookkeeping', false)
    .addOption(encryptionOption())
    .action((file: string, what: string, name: string | undefined, options: CommonOptions & HistoryOptions) =>
      does(
        reading(options, async (invocation) =>
          (await import('../commands/inspect/history.ts')).showHistory(invocation, file, what, name, options),
        ),
      ),
    );
}

function diff(inspect: Command, does: Does): void {
  examining(
    inspect,
    'diff',
    'what differs between two stores, objects and fields; ends with 8 where anything does',
    'lockstep inspect diff ./monday.db ./tuesday.db',
    'lockstep inspect diff ./monday.db ./tuesday.db --resource secrets -o json',
  )
    .argument('<before>', FILE)
    .argument('<after>', 'the same, of a later time')
    .option('--resource <resource>', 'of this resource alone')
    .option('-n, --namespace <name>', 'of this namespace')
    .option('--show-secrets', 'the values of secrets, not marks in their place', false)
    .option('--all', 'also heartbeats and bookkeeping', false)
    .addOption(encryptionOption())
    .action((before: string, after: string, options: CommonOptions & DiffOptions) =>
      does(
        reading(options, async (invocation) =>
          (await import('../commands/inspect/diff.ts')).showDiff(invocation, before, after, options),
        ),
      ),
    );
}

function timeline(inspect: Command, does: Does): void {
  examining(
    inspect,
    'timeline',
    'every change that stores still show, in order of time, and what says so',
    'lockstep inspect timeline ./backup.db --since 2026-11-22T10:00:00Z',
    'lockstep inspect timeline ./monday.db ./tuesday.db --tool kubectl -o json',
    'lockstep inspect timeline ./backup.db --format timesketch > backup.jsonl',
  )
    .argument('<files...>', FILE)
    .addOption(new Option('--since <time>', 'from this time on; UTC').argParser(parseInstant))
    .addOption(new Option('--until <time>', 'up to this time; UTC').argParser(parseInstant))
    .option('--tool <text>', 'by tools whose name holds this')
    .option('--user <text>', 'by users whose name holds this; only requests for certificates name one')
    .option('--resource <resource>', 'of this resource alone')
    .option('-n, --namespace <name>', 'of this namespace')
    .option('--all', 'also heartbeats and bookkeeping', false)
    .addOption(new Option('--format <format>', 'lines for another program').choices(['timesketch']))
    .addOption(encryptionOption())
    .action((files: string[], options: CommonOptions & TimelineOptions) =>
      does(
        reading(options, async (invocation) =>
          (await import('../commands/inspect/timeline.ts')).showTimeline(invocation, files, options),
        ),
      ),
    );
}

function exporting(inspect: Command, does: Does): void {
  examining(
    inspect,
    'export',
    'what a store holds, written to a new directory for other programs',
    'lockstep inspect export ./backup.db ./objects --format yaml --appliable',
    'lockstep inspect export ./backup.db ./analysis --format sqlite',
    'lockstep inspect export ./backup.db ./dump --format cluster-info-dump',
  )
    .argument('<file>', FILE)
    .argument('<dir>', 'not there yet, or empty')
    .addOption(new Option('--format <format>', 'in which form').choices(EXPORT_FORMATS).makeOptionMandatory())
    .option('--appliable', 'yaml and json: without what a cluster assigns or makes by itself', false)
    .option('--show-secrets', 'also secrets, in clear', false)
    .option('--all', 'timesketch: also heartbeats and bookkeeping', false)
    .addOption(encryptionOption())
    .action((file: string, target: string, options: CommonOptions & ExportOptions) =>
      does(
        reading(options, async (invocation) =>
          (await import('../commands/inspect/export.ts')).exportStore(invocation, file, target, options),
        ),
      ),
    );
}

function playing(inspect: Command, does: Does): void {
  examining(
    inspect,
    'sandbox',
    'a private etcd, or a whole API for kubectl, on a copy of a snapshot, until Ctrl-C',
    'lockstep inspect sandbox ./backup.db',
    'lockstep inspect sandbox ./backup.db --etcdutl /opt/etcd-3.5/etcdutl --etcd /opt/etcd-3.5/etcd',
    'lockstep inspect sandbox ./backup.db --apiserver /opt/kubernetes-1.34/kube-apiserver',
    'lockstep inspect sandbox ./backup.db --apiserver ./kube-apiserver --writable',
    'lockstep inspect sandbox ./backup.db --apiserver ./kube-apiserver --evidence ./incident-42/cp1.tar.zst',
  )
    .argument('<file>', 'a snapshot, or a store out of a data directory')
    .option('--etcdutl <file>', 'this tool, whatever its version')
    .option('--etcd <file>', 'this server; else the one beside etcdutl')
    .option('--apiserver <file>', 'a kube-apiserver: an API for kubectl beside etcd')
    .option('--writable', 'the API takes writes, on a second copy', false)
    .option(
      '--evidence <archive>',
      'of a node, from `lockstep evidence gather`: its static pods are joined; repeat',
      collectText,
      [],
    )
    .option('--ca <file>', 'the CA that the archives’ seals are judged by, instead of the context’s')
    .addOption(encryptionOption())
    .action((file: string, options: CommonOptions & SandboxOptions) =>
      // Not a mere reading: what it made is to be taken away on Ctrl-C.
      does({
        kind: 'answer',
        options,
        ask: async (invocation) =>
          (await import('../commands/inspect/sandbox.ts')).sandbox(invocation, file, options),
      }),
    );
}
