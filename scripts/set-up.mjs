// Brings everything that a command needs, then runs it with the project's own Node:
//   node scripts/set-up.mjs COMMAND [ARGUMENT…]
// Plain JavaScript without dependencies: it runs on the machine's Node (20 or later), before
// anything is installed. What it prints goes to standard error.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const binaries = join(root, 'node_modules', '.bin');
const environment = { ...process.env, PATH: `${binaries}:${process.env.PATH}` };

function say(line) {
  process.stderr.write(`set-up: ${line}\n`);
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    env: environment,
    stdio: ['ignore', 2, 2],
  });
  if (error || status !== 0) {
    say(`"${command} ${args.join(' ')}" failed${error ? `: ${error.message}` : ` with exit code ${status}`}`);
    process.exit(1);
  }
}

/** node_modules is right when it was installed from this very lock file. */
function installPackages() {
  const marker = join(root, 'node_modules', '.installed-from');
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return;
  say('installing the packages of package-lock.json (npm ci)');
  run('npm', ['ci', '--json=false', '--no-progress', '--loglevel=error']);
  writeFileSync(marker, wanted);
}

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  say('usage: node scripts/set-up.mjs COMMAND [ARGUMENT…]');
  process.exit(2);
}
installPackages();
if (process.env.LOCKSTEP_SKIP_TOOLS !== '1') {
  run(join(binaries, 'node'), [join(root, 'test', 'lab', 'tools', 'main.ts')]);
}

const child = spawn(command, args, { cwd: root, env: environment, stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  say(`cannot run ${command}: ${error.message}`);
  process.exit(1);
});
child.on('exit', (code, signal) => process.exit(signal === null ? code : 1));
