import type { Joined } from '../../sandbox/join.ts';
import type { WrittenKey } from '../../sandbox/written.ts';
import { clean, clip, fields, heading, type Layout, wrap } from '../layout.ts';
import { count, plural } from '../units.ts';

export interface SandboxPage {
  readonly file: string;
  readonly directory: string;
  readonly endpoint: string;
  /** Of etcd. */
  readonly pid: number;
  readonly revision: bigint;
  readonly api: SandboxApi | undefined;
}

export interface SandboxApi {
  readonly url: string;
  /** A file. */
  readonly kubeconfig: string;
  readonly version: string;
  readonly pid: number;
  readonly writable: boolean;
  readonly wrote: readonly WrittenKey[];
  readonly joined: readonly Joined[];
}

/** A page of a screen, about; JSON has them all. */
const MAX_WRITTEN_SHOWN = 12;
const MAX_JOINED_SHOWN = 24;

export function sandboxPage(layout: Layout, page: SandboxPage): string[] {
  const { file, directory, endpoint, revision, api } = page;
  const shown = clean(layout, directory);
  return [
    heading(
      layout,
      `${api === undefined ? 'An etcd' : 'A Kubernetes API and its etcd'} on a copy of ${clean(layout, file)}`,
    ),
    ...fields(layout, [
      ['Directory', directory],
      ['Endpoint', `${endpoint}, a socket in that directory`],
      ['Revision', count(revision)],
      ...(api === undefined ? [] : apiFields(api)),
    ]),
    '',
    heading(layout, 'Ask it'),
    // To be copied: never broken where it would not run any more.
    ...(api === undefined
      ? []
      : [`  export KUBECONFIG=${clean(layout, api.kubeconfig)}`, '  kubectl get pods -A', '']),
    `  cd ${shown}`,
    `  ETCDCTL_API=3 etcdctl --endpoints=${endpoint} \\`,
    '    get / --prefix --keys-only',
    '',
    ...(api === undefined
      ? []
      : [...writtenLines(layout, api.wrote), '', ...joinedLines(layout, api.joined)]),
    ...wrap(layout, closing(api)),
  ];
}

function apiFields({ url, kubeconfig, version, writable }: SandboxApi): [string, string][] {
  return [
    ['API', `${url}, kube-apiserver ${version}`],
    ['Kubeconfig', kubeconfig],
    ['Writes', writable ? 'taken, to a second copy' : 'refused; --writable takes them'],
  ];
}

function writtenLines(layout: Layout, wrote: readonly WrittenKey[]): string[] {
  if (wrote.length === 0) return wrap(layout, 'The API server wrote nothing by itself.');
  const more = wrote.length - MAX_WRITTEN_SHOWN;
  return [
    ...wrap(
      layout,
      `The API server wrote ${plural(wrote.length, 'key')} by itself, to the copy. What kubectl shows of them is not the snapshot's:`,
    ),
    ...wrote
      .slice(0, MAX_WRITTEN_SHOWN)
      .map(({ key, change }) => clip(layout, `  ${change} ${clean(layout, key)}`, layout.width)),
    ...(more > 0 ? [`  and ${count(more)} more; -o json names them all`] : []),
  ];
}

function joinedLines(layout: Layout, joined: readonly Joined[]): string[] {
  if (joined.length === 0) return [];
  const lines = joined.map(({ place, refused }) =>
    refused === undefined ? place : `not ${place}: ${refused}`,
  );
  const more = lines.length - MAX_JOINED_SHOWN;
  return [
    ...wrap(layout, 'Joined from evidence, and no part of the snapshot:'),
    ...lines.slice(0, MAX_JOINED_SHOWN).map((line) => clip(layout, `  ${clean(layout, line)}`, layout.width)),
    ...(more > 0 ? [`  and ${count(more)} more; -o json names them all`] : []),
    '',
  ];
}

function closing(api: SandboxApi | undefined): string {
  const away = 'Ctrl-C ends it and takes all of it away; the file stays as it is.';
  if (api === undefined) {
    return `It answers nobody else and no network. What is written to it is written to the copy. ${away}`;
  }
  return `It answers who holds that kubeconfig, on this host alone, and calls nobody: no kubelet, webhook or aggregated API. No controller runs. ${away}`;
}
