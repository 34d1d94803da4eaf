/** Fails where `shared/generated` is not what `npm run generate` would make of `proto/`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const GENERATED = 'shared/generated';

function filesBelow(directory: string): Map<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return new Map(names.map((name) => [name, readFileSync(join(directory, name), 'utf8')]));
}

const scratch = mkdtempSync(join(tmpdir(), 'lockstep-generated-'));
try {
  const { status } = spawnSync('buf', ['generate', '--output', scratch], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
  const fresh = filesBelow(join(scratch, GENERATED));
  const committed = filesBelow(GENERATED);
  const different = [...new Set([...fresh.keys(), ...committed.keys()])].filter(
    (name) => fresh.get(name) !== committed.get(name),
  );
  for (const name of different)
    process.stdout.write(`${join(GENERATED, name)} is not what proto/ makes; run npm run generate\n`);
  process.exitCode = different.length === 0 ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true });
}
