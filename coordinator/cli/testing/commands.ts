import { createProgram } from '../program.ts';

/** What a command is given to read, and where it may write. */
export interface Files {
  readonly before: string;
  readonly after: string;
  readonly archive: string;
  readonly ca: string;
  /** A key that is there. */
  readonly key: string;
  /** A path at which nothing is. */
  readonly target: string;
}

/** Every command that reads evidence, with all the files that it can be given. */
export const READERS: Readonly<Record<string, (files: Files) => readonly string[]>> = {
  'inspect keys': ({ after }) => [after],
  'inspect get': ({ after, key }) => [after, key],
  'inspect history': ({ after, key }) => [after, key],
  'inspect diff': ({ before, after }) => [before, after],
  'inspect timeline': ({ before, after }) => [before, after],
  'inspect export': ({ after, target }) => [after, target, '--format', 'yaml', '--show-secrets'],
  'inspect findings': ({ before, after, archive, ca }) => [
    after,
    '--baseline',
    before,
    '--evidence',
    archive,
    '--ca',
    ca,
  ],
  'inspect bisect': ({ before, after }) => [before, after],
  'inspect report': ({ before, after, archive, ca, target }) => [
    after,
    '--baseline',
    before,
    '--evidence',
    archive,
    '--ca',
    ca,
    '--out',
    target,
  ],
  'inspect damage': ({ after }) => [after, '--rows'],
  'inspect sandbox': ({ after }) => [after],
  'evidence show': ({ archive }) => [archive],
  'evidence verify': ({ archive, ca }) => [archive, '--ca', ca],
};

/** Every one that the program has, whether it stands above or not. */
export function readersOfProgram(): string[] {
  return createProgram(() => undefined).commands.flatMap((noun) =>
    noun.name() === 'inspect' || noun.name() === 'evidence'
      ? noun.commands
          .map((command) => `${noun.name()} ${command.name()}`)
          .filter((name) => name !== 'evidence gather')
      : [],
  );
}

export function wordsOf(name: string, files: Files): string[] {
  return [...name.split(' '), ...(READERS[name]?.(files) ?? [])];
}
