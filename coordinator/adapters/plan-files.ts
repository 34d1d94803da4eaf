import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@lockstep/shared/clock.ts';
import { sha256Hex } from '@lockstep/shared/digest.ts';
import { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { Approval } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { isOperationId } from '@lockstep/shared/ids.ts';
import type { Plans, StoredPlan, UnexpiredPlans } from '../runner/ports.ts';

/** A plan that has expired is still shown for this long, then its file goes. */
const KEEP_EXPIRED_MS = 24 * 60 * 60_000;
const MAX_IN_MEMORY = 100;

interface PlanFile {
  readonly operationId: string;
  readonly expiresMs: number;
  readonly planBase64: string;
  readonly refusals: unknown[];
  readonly warnings: unknown[];
  readonly approval?: unknown;
}

/** Plans in memory and on disk, so that a plan made before a restart of the coordinator can be run after it. */
export class PlanFiles implements Plans, UnexpiredPlans {
  readonly #dir: string;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #plans = new Map<string, StoredPlan>();

  constructor(stateDir: string, clock: Pick<Clock, 'nowMs'>) {
    this.#dir = join(stateDir, 'plans');
    this.#clock = clock;
  }

  async put(plan: StoredPlan): Promise<void> {
    this.#plans.set(plan.operationId, plan);
    const [oldest] = this.#plans.keys();
    if (this.#plans.size > MAX_IN_MEMORY && oldest !== undefined) this.#plans.delete(oldest);
    const file: PlanFile = {
      operationId: plan.operationId,
      expiresMs: plan.expiresMs,
      planBase64: Buffer.from(plan.planBytes).toString('base64'),
      refusals: plan.refusals.map((each) => Refusal.toJSON(each)),
      warnings: plan.warnings.map((each) => Refusal.toJSON(each)),
      ...(plan.approval === undefined ? {} : { approval: Approval.toJSON(plan.approval) }),
    };
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    await this.#removeOld();
    const path = join(this.#dir, `${plan.operationId}.json`);
    const handle = await open(`${path}.tmp`, 'w', 0o600);
    try {
      await handle.writeFile(JSON.stringify(file));
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(`${path}.tmp`, path);
  }

  async get(operationId: string): Promise<StoredPlan | undefined> {
    const kept = this.#plans.get(operationId);
    if (kept !== undefined) return kept;
    // The id comes from outside and becomes a file name.
    if (!isOperationId(operationId)) return undefined;
    const file = await this.#read(`${operationId}.json`);
    if (file === undefined) return undefined;
    const planBytes = Buffer.from(file.planBase64, 'base64');
    const plan: StoredPlan = {
      operationId,
      planSha256: sha256Hex(planBytes),
      planBytes,
      refusals: file.refusals.map((each) => Refusal.fromJSON(each)),
      warnings: file.warnings.map((each) => Refusal.fromJSON(each)),
      approval: file.approval === undefined ? undefined : Approval.fromJSON(file.approval),
      expiresMs: file.expiresMs,
    };
    this.#plans.set(operationId, plan);
    return plan;
  }

  async unexpired(): Promise<StoredPlan[]> {
    const names = await readdir(this.#dir).catch(() => []);
    const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
    const plans = await Promise.all([...new Set([...ids, ...this.#plans.keys()])].map((id) => this.get(id)));
    return plans.filter(
      (plan) => plan !== undefined && this.#clock.nowMs() <= plan.expiresMs,
    ) as StoredPlan[];
  }

  async #read(name: string): Promise<PlanFile | undefined> {
    try {
      return JSON.parse(await readFile(join(this.#dir, name), 'utf8')) as PlanFile;
    } catch {
      return undefined;
    }
  }

  async #removeOld(): Promise<void> {
    for (const name of await readdir(this.#dir)) {
      const file = name.endsWith('.json') ? await this.#read(name) : undefined;
      if (file === undefined || this.#clock.nowMs() < file.expiresMs + KEEP_EXPIRED_MS) continue;
      await rm(join(this.#dir, name), { force: true });
    }
  }
}
