import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aroundPort } from './around-ports.ts';
import { FailpointBoard } from './board.ts';
import { Probe } from './probe.ts';

class Port {
  #calls = 0;

  get calls(): number {
    return this.#calls;
  }

  count(): number {
    this.#calls += 1;
    return this.#calls;
  }

  async wait(): Promise<string> {
    await delay(1);
    return 'waited';
  }

  async fail(): Promise<never> {
    await delay(1);
    throw new Error('failed');
  }

  async *stream(): AsyncGenerator<number> {
    yield 1;
    yield 2;
  }
}

describe('failpoints around a port', () => {
  let directory: string;
  let board: FailpointBoard;
  let probe: Probe;
  let port: Port;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'failpoints-'));
    board = new FailpointBoard(directory);
    probe = new Probe(new FailpointBoard(directory), 'agent');
    port = aroundPort(probe, 'port', new Port());
    board.arm({ arms: [], record: true });
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('lists every call of it', () => {
    expect(board.calls).toEqual(['port.count', 'port.fail', 'port.stream', 'port.wait']);
  });

  it('is crossed before and after each call and once that is acknowledged', async () => {
    expect(port.count()).toBe(1);
    expect(port.calls).toBe(1);
    await new Promise(setImmediate);
    await probe.within('STEP_SWAP', () => port.wait());
    await new Promise(setImmediate);
    const items: number[] = [];
    for await (const item of port.stream()) items.push(item);
    await new Promise(setImmediate);
    expect(items).toEqual([1, 2]);
    expect(board.crossed).toEqual([
      'agent:port.count:before@start',
      'agent:port.count:after@start',
      'agent:port.count:acknowledged@start',
      'agent:port.wait:before@STEP_SWAP',
      'agent:port.wait:after@STEP_SWAP',
      'agent:port.wait:acknowledged@STEP_SWAP',
      'agent:port.stream:before@start',
      'agent:port.stream:after@start',
      'agent:port.stream:acknowledged@start',
    ]);
  });

  it('counts within a step, and begins anew with the next', async () => {
    const twice = (): void => {
      port.count();
      port.count();
    };
    probe.within('STEP_SWAP', twice);
    probe.within('STEP_SWAP', twice);
    expect(board.crossed.filter((name) => name.includes('before'))).toEqual([
      'agent:port.count:before@STEP_SWAP',
      'agent:port.count:before#2@STEP_SWAP',
      'agent:port.count:before@STEP_SWAP',
      'agent:port.count:before#2@STEP_SWAP',
    ]);
  });

  it('has no moment after a call that failed', async () => {
    await expect(port.fail()).rejects.toThrow('failed');
    expect(board.crossed).toEqual(['agent:port.fail:before@start']);
  });

  it('lets a call fail or wait once, also after a new start, and writes that down', async () => {
    board.arm({
      arms: [
        { point: 'agent:port.count:before@start', action: 'fail' },
        { point: 'agent:port.wait:after@start', action: { pauseMs: 50 } },
        { point: 'agent:port.fail:before@start', action: 'fail-always' },
      ],
    });
    for (const _ of [1, 2]) expect(() => void port.fail()).toThrow('fails (test only)');
    expect(() => port.count()).toThrow('fails (test only)');
    expect(port.count()).toBe(1);
    const again = aroundPort(new Probe(new FailpointBoard(directory), 'agent'), 'port', new Port());
    expect(again.count()).toBe(1);
    const beganMs = performance.now();
    expect(await port.wait()).toBe('waited');
    expect(performance.now() - beganMs).toBeGreaterThan(45);
    expect(board.hits).toEqual([
      'agent:port.fail:before@start',
      'agent:port.fail:before@start',
      'agent:port.count:before@start',
      'agent:port.wait:after@start',
    ]);
  });
});
