import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { RuntimeServiceService } from '@lockstep/shared/generated/cri/runtime/v1/api.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { readImagePrograms } from './image-programs.ts';
import { Runtime } from './runtime.ts';
import { runtimeService } from './service.ts';

/** A node's container runtime: CRI on containerd's socket. Its containers stay when it ends. */
const { values } = parseArgs({ options: { root: { type: 'string' }, images: { type: 'string' } } });
const { root = '', images = '' } = values;
const logger = createLogger('container-runtime');
const socket = join(root, 'run/containerd/containerd.sock');
mkdirSync(dirname(socket), { recursive: true });
rmSync(socket, { force: true });

const runtime = new Runtime({ root, environment: process.env, programs: readImagePrograms(images), logger });
const server = new Server();
server.addService(RuntimeServiceService, runtimeService(runtime));
await promisify(server.bindAsync.bind(server))(`unix:${socket}`, ServerCredentials.createInsecure());
logger.info({ socket }, 'serving');
process.once('SIGTERM', () => process.exit(0));
