/**
 * `node --import …/loader.ts`: serves the mutant's text in place of the one file that it is of. The
 * tree is not touched, so that others may work in it. In every child process too, by NODE_OPTIONS.
 */
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { mutatedFile } from './mutated-file.ts';

const mutated = mutatedFile(process.env);
if (mutated !== undefined) {
  const url = pathToFileURL(mutated.path).href;
  registerHooks({
    load: (each, context, next) =>
      each === url
        ? { format: 'module-typescript', source: mutated.text, shortCircuit: true }
        : next(each, context),
  });
}
