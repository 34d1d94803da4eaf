import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@lockstep/shared/logging.ts';
import { timings } from '../timings.ts';
import type { ApiClient } from './api-client.ts';
import { apiPod, type Pod } from './pod.ts';

export interface ApiSourceOptions {
  readonly client: ApiClient;
  readonly node: string;
  readonly logger: Logger;
  readonly onChange: () => void;
}

interface PodList {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly unknown[];
}

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: { readonly metadata?: { readonly uid?: string; readonly resourceVersion?: string } };
}

const LIST_TIMEOUT_MS = 10_000;

/**
 * Pods that the API binds to this node, as client-go's reflector follows them: list, watch from there,
 * watch again from the last revision seen, and a new list where that revision is gone.
 */
export class ApiSource {
  private readonly options: ApiSourceOptions;
  private byUid = new Map<string, Pod>();
  private hasListed = false;

  constructor(options: ApiSourceOptions) {
    this.options = options;
  }

  /** True once this process has seen the API's list. Never false again: readiness is per process. */
  get seen(): boolean {
    return this.hasListed;
  }

  pods(): Pod[] {
    return [...this.byUid.values()];
  }

  /** Follows the API for ever. */
  async run(): Promise<never> {
    let retryMs: number = timings.kubeletApiRetryMs;
    let revision: string | undefined;
    for (;;) {
      try {
        if (revision === undefined) revision = await this.list();
        retryMs = timings.kubeletApiRetryMs;
        revision = await this.follow(revision);
      } catch (error) {
        this.options.logger.debug({ error: String(error) }, 'API not followed');
        await delay(retryMs);
        retryMs = Math.min(2 * retryMs, timings.kubeletApiRetryMostMs);
      }
    }
  }

  private async list(): Promise<string> {
    const signal = AbortSignal.timeout(LIST_TIMEOUT_MS);
    const { status, body } = await this.options.client.send('GET', this.path({}), undefined, signal);
    if (status !== 200) throw new Error(`list refused: ${status}`);
    const { metadata, items } = body as PodList;
    const pods = items.map(apiPod).filter((pod) => pod !== undefined);
    this.byUid = new Map(pods.map((pod) => [pod.uid, pod]));
    if (!this.hasListed) this.options.logger.info({ pods: pods.length }, 'API seen');
    this.hasListed = true;
    this.options.onChange();
    return metadata.resourceVersion;
  }

  /** The revision to go on from when the watch ends; undefined where only a list helps. */
  private async follow(from: string): Promise<string | undefined> {
    let revision = from;
    const query = { watch: '1', resourceVersion: revision, allowWatchBookmarks: 'true' };
    const never = new AbortController();
    for await (const value of this.options.client.watch(this.path(query), never.signal)) {
      const { type, object } = value as WatchEvent;
      if (type === 'ERROR') return undefined;
      revision = object.metadata?.resourceVersion ?? revision;
      if (type === 'BOOKMARK') continue;
      const uid = object.metadata?.uid ?? '';
      const pod = type === 'DELETED' ? undefined : apiPod(object);
      if (pod === undefined) this.byUid.delete(uid);
      else this.byUid.set(uid, pod);
      this.options.onChange();
    }
    return revision;
  }

  private path(query: Readonly<Record<string, string>>): string {
    const parameters = new URLSearchParams({ fieldSelector: `spec.nodeName=${this.options.node}`, ...query });
    return `/api/v1/pods?${parameters.toString()}`;
  }
}
