import { createServer, type Server, type Socket } from 'node:net';
import type { Manager } from './manager.ts';
import { systemctl } from './systemctl.ts';

/** Separates the arguments of one call; they hold none. */
const SEPARATOR = '\x1f';
const MAX_CALL_CHARACTERS = 64 * 1024;

/**
 * `systemctl` for a shell: bash alone speaks to the manager over TCP, which takes a few milliseconds
 * where a Node process would take three hundred. Call: arguments, each followed by 0x1f, and a newline.
 * Answer: lines that begin with `o` (output), `e` (error), and last `x` (exit code).
 */
export function systemctlScript(host: string, port: number): string {
  return `#!/bin/bash
exec 3<>/dev/tcp/${host}/${port} 2>/dev/null || { echo 'Failed to connect to bus: Connection refused' >&2; exit 1; }
printf '%s\\x1f' "$@" >&3
printf '\\n' >&3
while IFS= read -r line <&3; do
  case $line in
    o*) printf '%s\\n' "\${line:1}" ;;
    e*) printf '%s\\n' "\${line:1}" >&2 ;;
    x*) exit "\${line:1}" ;;
  esac
done
echo 'Connection to bus was lost' >&2
exit 1
`;
}

/** Listens for calls; rejects where the address is taken. */
export async function serveControl(manager: Manager, host: string, port: number): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    readCall(socket, (args) => void answer(manager, args, socket));
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host, port }, resolve);
  await promise;
  return server;
}

function readCall(socket: Socket, onCall: (args: string[]) => void): void {
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const end = text.indexOf('\n');
    if (end >= 0) onCall(text.slice(0, end).split(SEPARATOR).slice(0, -1));
    else if (text.length > MAX_CALL_CHARACTERS) socket.destroy();
  });
}

async function answer(manager: Manager, args: readonly string[], socket: Socket): Promise<void> {
  const { exitCode, stdout, stderr } = await systemctl(manager, args);
  socket.end(`${prefixed('o', stdout)}${prefixed('e', stderr)}x${exitCode}\n`);
}

function prefixed(prefix: string, text: string): string {
  return text === '' ? '' : text.replace(/\n$/, '').replace(/^/gm, prefix).concat('\n');
}
