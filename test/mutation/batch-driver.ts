// A suite for each mutant stands here once `batch-worker.ts` has put them in this file's place.
throw new Error('run by batch-worker.ts alone');
