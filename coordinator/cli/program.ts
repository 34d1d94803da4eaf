import { VERSION } from '@lockstep/shared/version.ts';
import { Argument, Command, Option } from 'commander';
import { type Answer, OUTPUT_FORMATS } from './answer.ts';
import {
  collectOverride,
  collectPlaced,
  collectText,
  parseDays,
  parseDurationMs,
  parsePort,
} from './arguments.ts';
import { explain, version } from './commands/about.ts';
import { doctor } from './commands/doctor.ts';
import { type DrillOptions, listDrills, runDrill } from './commands/drills.ts';
import { type InitOptions, init } from './commands/init.ts';
import {
  type DeleteOptions,
  deleteSnapshot,
  listCatalogue,
  listSchedules,
  type PinOptions,
  pinSnapshot,
  pruneSnapshots,
  unpinSnapshot,
} from './commands/keeping.ts';
import { runLab } from './commands/lab.ts';
import { type RejoinOptions, rejoinNode } from './commands/node-rejoin.ts';
import { listNodes, showNode } from './commands/nodes.ts';
import { abort, listOperations, resume, showReport, showStatus, watch } from './commands/operations.ts';
import { type ApproveOptions, approvePlan } from './commands/restore-approve.ts';
import { planRestore } from './commands/restore-plan.ts';
import { type RevertOptions, revert } from './commands/restore-revert.ts';
import { runRestore } from './commands/restore-run.ts';
import {
  DEFAULT_CLIENT_PORT,
  type RestoreToOptions,
  restoreTo,
  SNAPSHOT_DIRECTORY,
} from './commands/restore-to.ts';
import {
  type CopyOptions,
  copySnapshot,
  type FetchOptions,
  fetchSnapshot,
} from './commands/snapshot-copies.ts';
import { saveSnapshot, showSnapshot, verifySnapshot } from './commands/snapshots.ts';
import { listTrust, type RevokeOptions, revokeTrust } from './commands/trust.ts';
import { completionScript, SHELLS, type Shell } from './completion.ts';
import type { Invocation } from './invocation.ts';
import { DEFAULT_RETRY_FOR_MS } from './watch.ts';

/** What a command does, handed to whoever runs the program. */
export type Work =
  | {
      readonly kind: 'answer';
      readonly ask: (invocation: Invocation) => Promise<Answer>;
      readonly options: CommonOptions;
    }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'foreground'; readonly run: () => Promise<number> };

export interface CommonOptions {
  readonly output: (typeof OUTPUT_FORMATS)[number];
  readonly context?: string;
  readonly config?: string;
}

type Does = (work: Work) => void;

const EXIT_CODES = `
Exit codes:
  0 done    1 internal error, state unknown    2 usage    3 rolled back
  4 needs an operator    5 refused, nothing changed    6 not authorised
  7 unreachable, outcome unknown    8 differences or findings    9 still running
  10 failed, proven unchanged    130 detached`;

/** The whole command line. Parsing calls `does` with the work of the command that was named. */
export function createProgram(does: Does): Command {
  const program = new Command('lockstep')
    .description(
      'Brings a Kubernetes HA control plane back to a snapshot of its key-value store, or leaves it as it was.',
    )
    .version(VERSION, '--version', 'the version of this program')
    .addHelpText('after', EXIT_CODES)
    .showHelpAfterError('(lockstep --help says more)')
    .configureHelp({ showGlobalOptions: false });
  about(program, does);
  nodes(program, does);
  snapshots(program, does);
  trust(program, does);
  drills(program, does);
  restores(program, does);
  lab(program, does);
  program
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'whose').choices(SHELLS))
    .addHelpText('after', examples('source <(lockstep completion bash)', 'lockstep completion fish | source'))
    .action((shell: Shell) => does({ kind: 'text', text: completionScript(program, shell) }));
  return program;
}

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** A command that answers: the options that every one of them has. */
function answering(parent: Command, name: string, description: string, ...shown: string[]): Command {
  return parent
    .command(name)
    .description(description)
    .addOption(new Option('-o, --output <format>', 'how to answer').choices(OUTPUT_FORMATS).default('table'))
    .option('--context <name>', 'which context of the configuration')
    .option('--config <file>', 'configuration, instead of $LOCKSTEP_CONFIG or ~/.config/lockstep/config.yaml')
    .addHelpText('after', examples(...shown));
}

function noun(parent: Command, name: string, description: string, ...aliases: string[]): Command {
  return parent.command(name).description(description).aliases(aliases);
}

function about(program: Command, does: Does): void {
  answering(
    program,
    'init',
    'make a CA, identities and configurations; what is there is kept',
    'lockstep init --cluster prod --out ./lockstep-pki \\',
    '    --agent cp1=10.0.0.1 --agent cp2=10.0.0.2 --agent cp3=10.0.0.3 \\',
    '    --coordinator bastion=10.0.0.100 --operator ada',
  )
    .requiredOption('--cluster <name>', 'name of the cluster')
    .requiredOption('--out <dir>', 'where to put everything')
    .option('--agent <node=address>', 'a node, HOST or HOST:PORT; repeat', collectPlaced, [])
    .option('--coordinator <name=address>', 'a coordinator; repeat', collectPlaced, [])
    .option('--operator <name>', 'a person; repeat', collectText, [])
    .option('--nats <name=address>', 'a NATS server; repeat (optional)', collectPlaced, [])
    .option('--valid-days <days>', 'how long the certificates below the CA are valid', parseDays)
    .action((options: InitOptions & CommonOptions) =>
      does({ kind: 'answer', options, ask: (invocation) => init(invocation, options) }),
    );

  answering(
    program,
    'version',
    'versions of this program and of the coordinator',
    'lockstep version',
    'lockstep version --client',
  )
    .option('--client', 'this program alone; asks nobody', false)
    .action((options: CommonOptions & { client: boolean }) =>
      does({ kind: 'answer', options, ask: (invocation) => version(invocation, options.client) }),
    );

  answering(
    program,
    'doctor',
    'look at everything that must be in order, from here to each node',
    'lockstep doctor',
    'lockstep doctor -o json',
  ).action((options: CommonOptions) => does({ kind: 'answer', options, ask: doctor }));

  answering(
    program,
    'explain',
    'what a code means and what to do; without one, all of them',
    'lockstep explain SPACE_TOO_LITTLE',
    'lockstep explain',
  )
    .argument('[code]', 'as it is shown in a message')
    .action((code: string | undefined, options: CommonOptions) =>
      does({ kind: 'answer', options, ask: async () => explain(code) }),
    );
}

function nodes(program: Command, does: Does): void {
  const node = noun(program, 'node', 'the nodes and what their agents see', 'nodes', 'no');
  answering(node, 'list', 'every node in a line', 'lockstep node list', 'lockstep node list -o wide')
    .alias('ls')
    .action((options: CommonOptions) => does({ kind: 'answer', options, ask: listNodes }));
  answering(node, 'show', 'one node, whole', 'lockstep node show cp1')
    .alias('get')
    .argument('<node>', 'its name')
    .action((name: string, options: CommonOptions) =>
      does({ kind: 'answer', options, ask: (invocation) => showNode(invocation, name) }),
    );
  rejoining(node, does);
}

function rejoining(node: Command, does: Does): void {
  following(
    answering(
      node,
      'rejoin',
      'bring a node back that a restore left out; its old store is kept',
      'lockstep node rejoin cp3',
      'lockstep node rejoin cp3 --confirm prod --reason "its host is mended"',
    ),
  )
    .argument('<node>', 'its name')
    .option('--confirm <cluster>', 'the name of the cluster; without it you are asked')
    .option('--reason <text>', 'why; kept with the plan')
    .action((name: string, options: CommonOptions & RejoinOptions) =>
      does({ kind: 'answer', options, ask: (invocation) => rejoinNode(invocation, name, options) }),
    );
}

interface FileChoice extends CommonOptions {
  readonly trailer: boolean;
}

function snapshots(program: Command, does: Does): void {
  const snapshot = noun(program, 'snapshot', 'take, keep, look at and prove snapshots', 'snapshots', 'snap');
  answering(
    snapshot,
    'save',
    'take a snapshot and prove it',
    'lockstep snapshot save --reason "before the upgrade"',
  )
    .option('--node <name>', 'from this member, instead of a healthy follower')
    .option('--offline', 'of a member that is stopped: its database and its log, as they lie on its disk')
    .option('--reason <text>', 'kept on its card')
    .action((options: CommonOptions & { node?: string; offline?: boolean; reason?: string }) =>
      does({ kind: 'answer', options, ask: (invocation) => saveSnapshot(invocation, options) }),
    );

  answering(
    snapshot,
    'list',
    'the snapshots, who holds them, and when each was last proven',
    'lockstep snapshot list',
    'lockstep snapshot list -o name',
  )
    .alias('ls')
    .action((options: CommonOptions) => does({ kind: 'answer', options, ask: listCatalogue }));
  keeping(snapshot, does);

  answering(
    snapshot,
    'show',
    'what is in a snapshot; a file needs no coordinator',
    'lockstep snapshot show s-20261122-114530-7kq2ab',
    'lockstep snapshot show ./backup.db -o json',
  )
    .alias('get')
    .argument('<file|id>', 'a file of etcdctl snapshot save, or an id')
    .option('--no-trailer', 'the file is a store copied out of a data directory')
    .action((what: string, options: FileChoice) =>
      does({ kind: 'answer', options, ask: (invocation) => showSnapshot(invocation, what, options) }),
    );

  answering(
    snapshot,
    'verify',
    'read a snapshot whole and say whether it is',
    'lockstep snapshot verify s-20261122-114530-7kq2ab',
    'lockstep snapshot verify ./backup.db',
  )
    .argument('<file|id>', 'a file, or an id: then on every node that holds it')
    .option('--no-trailer', 'the file is a store copied out of a data directory')
    .action((what: string, options: FileChoice) =>
      does({ kind: 'answer', options, ask: (invocation) => verifySnapshot(invocation, what, options) }),
    );
  copies(snapshot, does);

  answering(
    snapshot,
    'restore-to',
    'make a data directory of one member, for analysis; asks nobody',
    'lockstep snapshot restore-to ./analysis --snapshot ./backup.db',
    'lockstep snapshot restore-to /srv/analysis --snapshot s-20261122-114530-7kq2ab',
  )
    .argument('<dir>', 'where; not there yet, or empty')
    .requiredOption('--snapshot <file|id>', 'a file, or an id that the agent of this host keeps')
    .option('--name <name>', 'of the member', 'analysis')
    .option('--etcdutl <file>', 'this tool, whatever its version')
    .option('--snapshots <dir>', 'where the agent of this host keeps its snapshots', SNAPSHOT_DIRECTORY)
    .addOption(
      new Option('--port <port>', 'for its clients, on loopback; the next one is for peers')
        .argParser(parsePort)
        .default(DEFAULT_CLIENT_PORT),
    )
    .option('--no-trailer', 'the file is a store copied out of a data directory')
    .action((directory: string, options: CommonOptions & RestoreToOptions) =>
      does({ kind: 'answer', options, ask: (invocation) => restoreTo(invocation, directory, options) }),
    );
}

const INTO = 'this cluster’s name, where the snapshot is of another one and is to go into this one';

function trust(program: Command, does: Does): void {
  const group = noun(program, 'trust', 'who may seal snapshots, and whose word was withdrawn');
  answering(
    group,
    'revoke',
    'take back trust in what a node has sealed since a moment',
    'lockstep trust revoke cp2 --since 2026-11-20T08:00:00Z --reason "its disk was read"',
    'lockstep trust revoke coordinator/bastion --reason "the host is gone"',
  )
    .argument('<node>', 'its name, or coordinator/NAME')
    .option('--since <time>', 'RFC 3339; now if left out')
    .requiredOption('--reason <text>', 'why; kept with it')
    .action((name: string, options: CommonOptions & RevokeOptions) =>
      does({ kind: 'answer', options, ask: (invocation) => revokeTrust(invocation, name, options) }),
    );
  answering(group, 'list', 'whose word was withdrawn, and since when', 'lockstep trust list')
    .alias('ls')
    .action((options: CommonOptions) => does({ kind: 'answer', options, ask: listTrust }));
}

/** What keeps a snapshot, and what lets it go. */
function keeping(snapshot: Command, does: Does): void {
  answering(
    snapshot,
    'pin',
    'keep a snapshot from being deleted',
    'lockstep snapshot pin s-20261122-114530-7kq2ab --reason "before the migration"',
    'lockstep snapshot pin s-20261122-114530-7kq2ab --reason "incident 4711" --evidence',
  )
    .argument('<id>', 'of the snapshot')
    .requiredOption('--reason <text>', 'why; kept beside every copy')
    .option('--evidence', 'for good: only a purge that a second person approves deletes it', false)
    .action((id: string, options: CommonOptions & PinOptions) =>
      does({ kind: 'answer', options, ask: (invocation) => pinSnapshot(invocation, id, options) }),
    );

  answering(
    snapshot,
    'unpin',
    'take every pin off that is not evidence',
    'lockstep snapshot unpin s-20261122-114530-7kq2ab',
  )
    .argument('<id>', 'of the snapshot')
    .action((id: string, options: CommonOptions) =>
      does({ kind: 'answer', options, ask: (invocation) => unpinSnapshot(invocation, id) }),
    );

  answering(
    snapshot,
    'delete',
    'delete a snapshot, everywhere or from some places',
    'lockstep snapshot delete s-20261122-114530-7kq2ab --confirm prod --reason "holds personal data"',
    'lockstep snapshot delete s-20261122-114530-7kq2ab --from cp2 --confirm prod --reason "disk full"',
    'lockstep snapshot delete s-20261122-114530-7kq2ab --approve p-20261122-114530-k3q9zt --confirm prod',
  )
    .alias('rm')
    .argument('<id>', 'of the snapshot')
    .option('--from <place>', 'a node or a store; repeat; everywhere where left out', collectText, [])
    .option('--confirm <cluster>', 'the name of the cluster; without it nothing is deleted')
    .option('--reason <text>', 'why; kept in the audit of each agent')
    .option('--approve <purge>', 'as a second person: a purge of something protected')
    .action((id: string, options: CommonOptions & DeleteOptions) =>
      does({ kind: 'answer', options, ask: (invocation) => deleteSnapshot(invocation, id, options) }),
    );

  answering(
    snapshot,
    'prune',
    'delete what retention lets go, and say why of each',
    'lockstep snapshot prune --dry-run',
    'lockstep snapshot prune',
  )
    .option('--dry-run', 'only say', false)
    .action((options: CommonOptions & { dryRun: boolean }) =>
      does({ kind: 'answer', options, ask: (invocation) => pruneSnapshots(invocation, options.dryRun) }),
    );

  answering(
    snapshot,
    'schedule',
    'what is taken and drilled when, and how it went last',
    'lockstep snapshot schedule',
  )
    .alias('schedules')
    .action((options: CommonOptions) => does({ kind: 'answer', options, ask: listSchedules }));
}

function drills(program: Command, does: Does): void {
  const drill = noun(program, 'drill', 'prove that a snapshot can be restored', 'drills');
  answering(
    drill,
    'run',
    'restore a snapshot into a scratch place on a node, and prove it there',
    'lockstep drill run',
    'lockstep drill run s-20261122-114530-7kq2ab --node cp3',
  )
    .argument('[snapshot]', 'its id; the newest that is not known to be bad if left out')
    .option('--node <name>', 'on this node, instead of whichever it disturbs least')
    .option('--identity <file>', 'of age-keygen: fetch the encrypted copy first; read here alone')
    .action((id: string | undefined, options: CommonOptions & DrillOptions) =>
      does({ kind: 'answer', options, ask: (invocation) => runDrill(invocation, id, options) }),
    );
  answering(
    drill,
    'list',
    'when each snapshot was last proven, and how long a restore would take',
    'lockstep drill list',
    'lockstep drill list -o wide',
  )
    .alias('ls')
    .action((options: CommonOptions) => does({ kind: 'answer', options, ask: listDrills }));
}

function copies(snapshot: Command, does: Does): void {
  answering(
    snapshot,
    'copy',
    'put copies on further nodes, or into stores',
    'lockstep snapshot copy s-20261122-114530-7kq2ab --to-node cp3 --to-store offsite',
  )
    .argument('<id>', 'the snapshot')
    .option('--to-node <name>', 'onto this node’s disk; repeat', collectText, [])
    .option('--to-store <name>', 'into this store of the coordinator’s; repeat', collectText, [])
    .action((id: string, options: CommonOptions & CopyOptions) =>
      does({ kind: 'answer', options, ask: (invocation) => copySnapshot(invocation, id, options) }),
    );

  answering(
    snapshot,
    'fetch',
    'bring a copy from a store onto a node, and prove it there',
    'lockstep snapshot fetch s-20261122-114530-7kq2ab --identity ./key.txt',
    'lockstep snapshot fetch s-20261122-114530-7kq2ab --store offsite --node cp2 --identity ./key.txt',
  )
    .argument('<id>', 'the snapshot')
    .option('--store <name>', 'from this store, instead of the first that has it')
    .option('--node <name>', 'onto this node, instead of one with a healthy member')
    .option('--identity <file>', 'of age-keygen; read here alone, and only where the copy is encrypted')
    .action((id: string, options: CommonOptions & FetchOptions) =>
      does({ kind: 'answer', options, ask: (invocation) => fetchSnapshot(invocation, id, options) }),
    );
}

function planning(command: Command): Command {
  return command
    .option('--reason <text>', 'why; kept with the plan')
    .option(
      '--max-outage <time>',
      'bring the old store back if the proof is not there by then (90s, 2m)',
      parseDurationMs,
    )
    .option(
      '--override <code=reason>',
      'go on in spite of a refusal that allows it; repeat',
      collectOverride,
      [],
    )
    .option(
      '--without <node>',
      'leave a node out that is away, where those left out are no quorum; repeat',
      collectText,
      [],
    )
    .option(
      '--destroyed <node>',
      'leave a node out that is gone for good; a second person approves; repeat',
      collectText,
      [],
    );
}

function following(command: Command): Command {
  return retrying(command).option('--detach', 'do not follow it');
}

function retrying(command: Command): Command {
  return command.addOption(
    new Option('--retry-for <time>', 'how long to wait for a coordinator that is away')
      .argParser(parseDurationMs)
      .default(DEFAULT_RETRY_FOR_MS, '2m'),
  );
}

type Followed = CommonOptions & {
  readonly detach?: boolean;
  readonly retryFor: number;
  readonly reason?: string;
};

function restores(program: Command, does: Does): void {
  const restore = noun(program, 'restore', 'bring the control plane back to a snapshot', 'restores');
  planning(
    answering(
      restore,
      'plan',
      'look at every node and decide; changes nothing',
      'lockstep restore plan s-20261122-114530-7kq2ab',
      'lockstep restore plan s-20261122-114530-7kq2ab --max-outage 90s',
      'lockstep restore plan s-20261122-114530-7kq2ab --without cp3',
      'lockstep restore plan s-20261122-114530-7kq2ab --destroyed cp2 --destroyed cp3',
    ),
  )
    .argument('<snapshot>', 'its id')
    .option('--into <cluster>', INTO)
    .action((id: string, options: CommonOptions & Parameters<typeof planRestore>[2]) =>
      does({ kind: 'answer', options, ask: (invocation) => planRestore(invocation, id, options) }),
    );

  following(
    planning(
      answering(
        restore,
        'run',
        'run a plan, and follow it to its end',
        'lockstep restore run s-20261122-114530-7kq2ab',
        'lockstep restore run --plan r-20261122-120000-abc123 --confirm prod',
      ),
    ),
  )
    .argument('[snapshot]', 'plan this one now, show the plan, and run it')
    .option('--into <cluster>', INTO)
    .option('--plan <operation>', 'run this plan')
    .option('--confirm <cluster>', 'the name of the cluster; without it you are asked')
    .action((id: string | undefined, options: CommonOptions & Parameters<typeof runRestore>[2]) =>
      does({ kind: 'answer', options, ask: (invocation) => runRestore(invocation, id, options) }),
    );

  answering(
    restore,
    'approve',
    'a second person’s word for a plan that needs one',
    'lockstep restore approve r-20261122-120000-abc123',
    'lockstep restore approve r-20261122-120000-abc123 --confirm prod --reason "both hosts burnt"',
  )
    .argument('<operation>', 'the plan')
    .option('--confirm <cluster>', 'the name of the cluster; without it you are asked')
    .option('--reason <text>', 'why; kept with the approval')
    .action((id: string, options: CommonOptions & ApproveOptions) =>
      does({ kind: 'answer', options, ask: (invocation) => approvePlan(invocation, id, options) }),
    );

  answering(restore, 'list', 'the operations, latest first', 'lockstep restore list')
    .alias('ls')
    .action((options: CommonOptions) => does({ kind: 'answer', options, ask: listOperations }));

  retrying(
    answering(
      restore,
      'watch',
      'follow an operation; Ctrl-C detaches',
      'lockstep restore watch',
      'lockstep restore watch r-20261122-120000-abc123 -o json',
    ),
  )
    .argument('[operation]', 'the latest if left out')
    .action((id: string | undefined, options: Followed) =>
      does({ kind: 'answer', options, ask: (invocation) => watch(invocation, id, options.retryFor) }),
    );

  answering(
    restore,
    'status',
    'where an operation stands, and what is true on each node',
    'lockstep restore status',
  )
    .alias('show')
    .argument('[operation]', 'the latest if left out')
    .action((id: string | undefined, options: CommonOptions) =>
      does({ kind: 'answer', options, ask: (invocation) => showStatus(invocation, id) }),
    );

  following(
    answering(restore, 'resume', 'read the ledgers and go on, forward or back', 'lockstep restore resume'),
  )
    .argument('[operation]', 'the latest if left out')
    .action((id: string | undefined, options: Followed) =>
      does({ kind: 'answer', options, ask: (invocation) => resume(invocation, id, options) }),
    );

  following(
    answering(
      restore,
      'abort',
      'bring the old store back; refused after the commit',
      'lockstep restore abort r-20261122-120000-abc123 --reason "wrong snapshot"',
    ),
  )
    .argument('<operation>', 'which')
    .option('--reason <text>', 'why; kept with the operation')
    .action((id: string, options: Followed) =>
      does({ kind: 'answer', options, ask: (invocation) => abort(invocation, id, options) }),
    );

  following(
    planning(
      answering(
        restore,
        'revert',
        'take a restore back: to what it keeps; what was written since dies',
        'lockstep restore revert r-20261122-120000-abc123',
        'lockstep restore revert r-20261122-120000-abc123 --reason "wrong snapshot" --confirm prod',
      ),
    ),
  )
    .argument('<operation>', 'the restore to take back')
    .option('--confirm <cluster>', 'the name of the cluster; without it you are asked')
    .action((id: string, options: CommonOptions & RevertOptions) =>
      does({ kind: 'answer', options, ask: (invocation) => revert(invocation, id, options) }),
    );

  answering(
    restore,
    'report',
    'what was done, how long it took, what to do now',
    'lockstep restore report',
    'lockstep restore report -o wide',
  )
    .argument('[operation]', 'the latest if left out')
    .action((id: string | undefined, options: CommonOptions) =>
      does({ kind: 'answer', options, ask: (invocation) => showReport(invocation, id) }),
    );
}

function lab(program: Command, does: Does): void {
  const group = noun(program, 'lab', 'a whole cluster on this machine, to try things on');
  const about = { up: 'start one', down: 'end it', demo: 'the main job from end to end' } as const;
  for (const name of ['up', 'down', 'demo'] as const) {
    group
      .command(name)
      .description(about[name])
      .argument('[args...]', 'as the program takes them')
      .allowUnknownOption()
      .helpOption(false)
      .addHelpText('after', examples(`lockstep lab ${name}`))
      .action((args: string[]) =>
        does({
          kind: 'foreground',
          run: () => (name === 'demo' ? runLab('demo', args) : runLab('lab', [name, ...args])),
        }),
      );
  }
}
