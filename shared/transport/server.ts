import {
  Server,
  ServerInterceptingCall,
  type ServerInterceptor,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { LockstepError } from '../errors/lockstep-error.ts';
import type { Logger } from '../logging.ts';
import { createServerCredentials } from '../tls/credentials.ts';
import { identityUri, type TlsFiles } from '../tls/identity.ts';
import { callerOf } from './caller.ts';
import { toServiceError } from './failures.ts';
import { SERVER_OPTIONS } from './limits.ts';
import { authorise, type Policy } from './policy.ts';

export { callerOf } from './caller.ts';

/** Calls that are under way get this long to end before they are cut off. */
const DEFAULT_GRACE_MS = 1_000;

/** Then connections are given this long to close before they are left to the process's end. */
const CUT_OFF_MS = 500;

export interface ServedService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

export interface ServerSettings {
  /** "HOST:PORT"; port 0 takes a free one. */
  readonly listen: string;
  readonly tls: TlsFiles;
  readonly cluster: string;
  /** Complete for every method served. */
  readonly policy: Policy;
  readonly services: readonly ServedService[];
  readonly logger: Logger;
}

export interface RunningServer {
  /** "HOST:PORT" with the port that was taken. */
  readonly address: string;
  close(graceMs?: number): Promise<void>;
}

/**
 * Serves over mutual TLS. Who calls and whether they may is settled before a handler, or the
 * decoder of its request, sees anything. Throws CONFIG_INVALID for an address or files that
 * cannot be used, and INTERNAL for a method that the policy forgot.
 */
export async function startServer(settings: ServerSettings): Promise<RunningServer> {
  for (const { definition } of settings.services) {
    for (const { path } of Object.values(definition)) {
      if (!Object.hasOwn(settings.policy, path)) {
        throw new LockstepError('INTERNAL', { message: `The policy does not say who may call ${path}.` });
      }
    }
  }
  const server = new Server({ ...SERVER_OPTIONS, interceptors: [guard(settings)] });
  for (const { definition, implementation } of settings.services)
    server.addService(definition, implementation);

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(settings.listen, createServerCredentials(settings.tls), (error, bound) => {
      if (error === null) resolve(bound);
      else {
        reject(
          new LockstepError('CONFIG_INVALID', {
            message: `Cannot listen on ${settings.listen}.`,
            cause: error,
          }),
        );
      }
    });
  });
  return {
    address: `${settings.listen.slice(0, settings.listen.lastIndexOf(':'))}:${port}`,
    close: (graceMs = DEFAULT_GRACE_MS) => shutDown(server, graceMs),
  };
}

function guard({ policy, cluster, logger }: ServerSettings): ServerInterceptor {
  return (method, call) => {
    let caller = 'unknown';
    return new ServerInterceptingCall(call, {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, pass) => {
            try {
              const identity = callerOf(call);
              caller = identityUri(identity);
              authorise(policy, cluster, method.path, identity);
            } catch (refused) {
              const { code, details, metadata: trailers } = toServiceError(refused);
              logger.warn({ method: method.path, caller, peer: call.getPeer(), details }, 'call refused');
              call.sendStatus({ code, details, metadata: trailers });
              return;
            }
            pass(metadata);
          },
        });
      },
      sendStatus: (ended, next) => {
        if (ended.code !== status.OK) {
          logger.info(
            { method: method.path, caller, code: ended.code, details: ended.details },
            'call failed',
          );
        }
        next(ended);
      },
    });
  };
}

function shutDown(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    let cutOff: NodeJS.Timeout | undefined;
    const grace = setTimeout(() => {
      server.forceShutdown();
      // HTTP/2 ends a closing connection politely, which a dead peer never answers.
      cutOff = setTimeout(resolve, CUT_OFF_MS);
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(grace);
      clearTimeout(cutOff);
      resolve();
    });
  });
}
