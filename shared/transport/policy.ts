import { LockstepError } from '../errors/lockstep-error.ts';
import type { Identity, Role } from '../tls/identity.ts';

/** Who may call what, by full method name: '/lockstep.v1.AgentService/Describe'. */
export type Policy = Readonly<Record<string, readonly Role[]>>;

/** Throws NOT_AUTHORISED unless `caller` is of `cluster` and of a role that may call `method`. */
export function authorise(policy: Policy, cluster: string, method: string, caller: Identity): void {
  if (caller.cluster !== cluster) {
    throw new LockstepError('NOT_AUTHORISED', {
      message: `The certificate is of cluster ${caller.cluster}; this is cluster ${cluster}.`,
    });
  }
  const roles = Object.hasOwn(policy, method) ? policy[method] : undefined;
  if (roles === undefined) {
    throw new LockstepError('NOT_AUTHORISED', { message: `Nobody may call ${method}.` });
  }
  if (!roles.includes(caller.role)) {
    throw new LockstepError('NOT_AUTHORISED', {
      message: `The ${caller.role} ${caller.name} may not call ${method}; it takes the role ${roles.join(' or ')}.`,
    });
  }
}
