import { VERSION } from '@lockstep/shared/version.ts';
import { Argument, Command } from 'commander';
import { completionScript, SHELLS, type Shell } from './completion.ts';
import { about } from './program/about.ts';
import { type Does, examples, noun } from './program/command.ts';
import { drills } from './program/drills.ts';
import { evidence } from './program/evidence.ts';
import { inspections } from './program/inspect.ts';
import { nodes } from './program/nodes.ts';
import { restores } from './program/restores.ts';
import { snapshots } from './program/snapshots.ts';
import { trust } from './program/trust.ts';

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
  inspections(program, does);
  trust(program, does);
  drills(program, does);
  evidence(program, does);
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
          run: async () => {
            const { runLab } = await import('./commands/lab.ts');
            return await (name === 'demo' ? runLab('demo', args) : runLab('lab', [name, ...args]));
          },
        }),
      );
  }
}
