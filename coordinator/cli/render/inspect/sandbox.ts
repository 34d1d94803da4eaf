import { clean, fields, heading, type Layout, wrap } from '../layout.ts';
import { count } from '../units.ts';

export interface SandboxPage {
  readonly file: string;
  readonly directory: string;
  readonly endpoint: string;
  readonly revision: bigint;
}

export function sandboxPage(layout: Layout, { file, directory, endpoint, revision }: SandboxPage): string[] {
  return [
    heading(layout, `An etcd on a copy of ${clean(layout, file)}`),
    ...fields(layout, [
      ['Directory', directory],
      ['Endpoint', `${endpoint}, a socket in that directory`],
      ['Revision', count(revision)],
    ]),
    '',
    heading(layout, 'Ask it'),
    // To be copied: never broken where it would not run any more.
    `  cd ${clean(layout, directory)}`,
    `  ETCDCTL_API=3 etcdctl --endpoints=${endpoint} \\`,
    '    get / --prefix --keys-only',
    '',
    ...wrap(
      layout,
      'It answers nobody else and no network. What is written to it is written to the copy. Ctrl-C ends it and takes all of it away; the file stays as it is.',
    ),
  ];
}
