import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Check } from './check.ts';

/** etcd's own authentication is off, now and in the snapshot: with it on nobody here could log in. */
export const checkAuth: Check = ({ members, facts }) => [
  ...members
    .filter(({ report }) => report.etcd.authEnabled)
    .map(({ node }) => refusal('AUTH_ENABLED', `the member on ${node} has authentication switched on`, node)),
  ...(facts?.authEnabled === true
    ? [refusal('AUTH_ENABLED', 'the snapshot has authentication switched on')]
    : []),
];
