import { type Command, Option } from 'commander';
import { type Answer, OUTPUT_FORMATS } from '../answer.ts';
import type { Invocation } from '../invocation.ts';

/** What a command does, handed to whoever runs the program. */
export type Work =
  | {
      readonly kind: 'answer';
      /** Loads its command: what each of them needs is half a second's work, and one is asked for. */
      readonly ask: (invocation: Invocation) => Promise<Answer>;
      readonly options: CommonOptions;
      /** It touches nothing, so that it may end anywhere. */
      readonly onlyReads?: boolean;
    }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'foreground'; readonly run: () => Promise<number> };

export interface CommonOptions {
  readonly output: (typeof OUTPUT_FORMATS)[number];
  readonly context?: string;
  readonly config?: string;
}

export type Does = (work: Work) => void;

export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** A command that answers: the options that every one of them has. */
export function answering(parent: Command, name: string, description: string, ...shown: string[]): Command {
  return parent
    .command(name)
    .description(description)
    .addOption(outputOption())
    .option('--context <name>', 'which context of the configuration')
    .option('--config <file>', 'configuration, instead of $LOCKSTEP_CONFIG or ~/.config/lockstep/config.yaml')
    .addHelpText('after', examples(...shown));
}

export function outputOption(): Option {
  return new Option('-o, --output <format>', 'how to answer').choices(OUTPUT_FORMATS).default('table');
}

export function noun(parent: Command, name: string, description: string, ...aliases: string[]): Command {
  return parent.command(name).description(description).aliases(aliases);
}
