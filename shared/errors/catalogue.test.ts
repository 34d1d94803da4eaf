import { describe, expect, it } from 'vitest';
import { agentErrors } from './agent.ts';
import { catalogue } from './catalogue.ts';
import { drillErrors } from './drill.ts';
import { evidenceErrors } from './evidence.ts';
import { inspectErrors } from './inspect.ts';
import { fromFailure, LockstepError, toFailure } from './lockstep-error.ts';
import { operationErrors } from './operation.ts';
import { planErrors } from './plan.ts';
import { snapshotErrors } from './snapshot.ts';
import { storeErrors } from './store.ts';
import { transportErrors } from './transport.ts';

describe('the table of errors', () => {
  it('has each code once, over all its parts', () => {
    const parts = [
      snapshotErrors,
      planErrors,
      agentErrors,
      operationErrors,
      storeErrors,
      drillErrors,
      evidenceErrors,
      inspectErrors,
      transportErrors,
    ];
    const codes = parts.flatMap((part) => Object.keys(part));
    expect(codes.length).toBe(new Set(codes).size);
    expect(codes.length).toBe(Object.keys(catalogue).length);
  });

  it.each(Object.entries(catalogue))('%s says what is true and what to do', (code, entry) => {
    expect(code).toMatch(/^[A-Z][A-Z0-9_]+$/);
    expect(entry.meaning).toMatch(/^([A-Z]|etcd).*\.$/);
    expect(entry.cure).toMatch(/^.{10,}\.$/);
  });
});

describe('a failure', () => {
  it('keeps code, node, words and causes on its way', () => {
    const error = new LockstepError('STORE_LOCKED', {
      message: 'pid 12 holds it',
      node: 'cp1',
      cause: new LockstepError('ETCD_UNREACHABLE', { cause: new Error('connection refused') }),
    });
    const back = fromFailure(toFailure(error));
    expect(back).toMatchObject({ code: 'STORE_LOCKED', node: 'cp1', message: 'pid 12 holds it' });
    expect(toFailure(back)).toEqual(toFailure(error));
  });

  it('of a newer version becomes INTERNAL and keeps its words', () => {
    const back = fromFailure({
      code: 'NOT_INVENTED_YET',
      node: '',
      message: 'so it is',
      cure: '',
      causes: [],
    });
    expect(back).toMatchObject({ code: 'INTERNAL', message: 'NOT_INVENTED_YET: so it is' });
  });
});
