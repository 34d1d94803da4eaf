import { type CollectOptions, collectFacts, type StoreFacts } from './collect-facts.ts';
import { type LiveIndex, liveIndex } from './live-index.ts';
import type { Steps } from './steps.ts';
import { digestInSteps, type FileDigests } from './trailer.ts';

/** Readings of a whole file, which a worker can be asked for. */
export interface Tasks {
  readonly digest: { readonly request: { path: string }; readonly result: FileDigests };
  readonly facts: {
    readonly request: { path: string; options: CollectOptions };
    readonly result: StoreFacts;
  };
  readonly liveIndex: {
    readonly request: { path: string; registryPrefix: string };
    readonly result: LiveIndex;
  };
}

export type TaskName = keyof Tasks;

export const tasks: {
  readonly [Name in TaskName]: (request: Tasks[Name]['request']) => Steps<Tasks[Name]['result']>;
} = {
  digest: ({ path }) => digestInSteps(path),
  facts: ({ path, options }) => collectFacts(path, options),
  liveIndex: ({ path, registryPrefix }) => liveIndex(path, registryPrefix),
};
