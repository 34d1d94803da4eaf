import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Decoder } from '@lockstep/shared/kubernetes/decode.ts';
import { parseJson } from '@lockstep/shared/kubernetes/json-value.ts';
import { describe, expect, it } from 'vitest';
import { KUBERNETES_TESTDATA, kubernetesTestdata } from '../../lab/tools/kubernetes-testdata.ts';

/* Objects with every field set, written by upstream's own encoder, beside upstream's own JSON of them. */

const FETCH_TIMEOUT_MS = 240_000;
const MOD_REVISION = 4711;
const context = { key: '/registry/things/a', modRevision: MOD_REVISION };

/** Requests, answers and parts of kinds: they are never stored. */
const NEVER_STORED =
  /\.(APIGroup|APIVersions|\w*Options|Status|WatchEvent|SerializedReference|DeploymentRollback|AdmissionReview|ConversionReview|JobTemplate|EphemeralContainers)$/;

/**
 * What differs, and why: of those days' alpha a field was removed and a status added, and we print
 * both, the removed field that was stored and the status that is printed today.
 */
const BOTH_DAYS = 'resource.k8s.io.v1alpha3.DeviceTaintRule';

type Json = Record<string, unknown>;

interface Outcome {
  readonly equal: string[];
  readonly different: string[];
  readonly neverStored: string[];
}

const decoder = new Decoder();

async function compare(directory: string, isCompared: (name: string) => boolean): Promise<Outcome> {
  const outcome: Outcome = { equal: [], different: [], neverStored: [] };
  const files = await readdir(directory);
  for (const file of files.filter((each) => each.endsWith('.pb') && !each.includes('after_roundtrip'))) {
    const name = file.slice(0, -'.pb'.length);
    if (!isCompared(name)) continue;
    if (NEVER_STORED.test(name)) {
      outcome.neverStored.push(name);
      continue;
    }
    const decoded = decoder.decode(await readFile(join(directory, file)), context);
    if (decoded.form !== 'object' || !decoded.described) {
      outcome.different.push(name);
      continue;
    }
    // As text: the order of the fields is compared too.
    const found = JSON.stringify(decoded.object);
    const isEqual = (await wantedOf(directory, name, files)).includes(found);
    (isEqual && decoded.unknownFields === undefined ? outcome.equal : outcome.different).push(name);
  }
  return outcome;
}

/**
 * As it was printed then, and, where that is not the same, as upstream of today prints what was
 * stored then: without fields that were removed since, with an empty status that was added since.
 * A time that is not set is printed no more since 1.34.
 */
async function wantedOf(directory: string, name: string, files: readonly string[]): Promise<string[]> {
  const names = [`${name}.json`, `${name}.after_roundtrip.json`].filter((each) => files.includes(each));
  const texts = await Promise.all(names.map((each) => readFile(join(directory, each), 'utf8')));
  return texts
    .map((text) => JSON.stringify(served(parseJson(text) as Json)))
    .map((text) => text.replaceAll(/"creationTimestamp":null,?/g, ''));
}

/** With what an API server adds to what was stored. */
function served(wanted: Json): Json {
  const metadata = { ...(wanted['metadata'] as Json), resourceVersion: String(MOD_REVISION) };
  const spec = { ...(wanted['spec'] as Json) };
  if (wanted['kind'] === 'StatefulSet' && Array.isArray(spec['volumeClaimTemplates'])) {
    spec['volumeClaimTemplates'] = spec['volumeClaimTemplates'].map((template: Json) => ({
      kind: 'PersistentVolumeClaim',
      apiVersion: 'v1',
      ...template,
    }));
  }
  return { ...wanted, metadata, ...(wanted['spec'] !== undefined && { spec }) };
}

const modules = new Map<string, string | undefined>();
for (const each of KUBERNETES_TESTDATA) {
  modules.set(
    `${each.module} ${each.version}`,
    await kubernetesTestdata(each, AbortSignal.timeout(FETCH_TIMEOUT_MS)),
  );
}
const at = (module: string): string => modules.get(module) ?? '';
const isMissing = [...modules.values()].includes(undefined);

describe.skipIf(isMissing)("upstream's objects, where its modules are to be had", () => {
  it.each([
    ['HEAD', 171, []],
    ['v1.33.0', 155, [BOTH_DAYS]],
    ['v1.34.0', 157, [BOTH_DAYS]],
    ['v1.35.0', 160, []],
    ['v1.36.0', 162, []],
  ])(
    'of %s are printed as upstream prints them: %d, and 22 that are never stored',
    async (release, equal, different) => {
      const outcome = await compare(join(at('k8s.io/api v0.37.2'), release), () => true);
      expect(outcome.different).toEqual(different);
      expect([outcome.equal.length, outcome.neverStored.length]).toEqual([equal, 22]);
    },
  );

  it('are printed so for definitions of custom resources', async () => {
    const outcome = await compare(join(at('k8s.io/apiextensions-apiserver v0.37.2'), 'HEAD'), () => true);
    expect(outcome.different).toEqual([]);
    expect(outcome.equal).toHaveLength(2);
  });

  it.each([
    ['v0.28.3', 13],
    ['v0.26.9', 13],
    ['v0.22.5', 10],
  ])('of kinds that were removed since %s, too: %d', async (version, equal) => {
    const newest = new Set(await readdir(join(at('k8s.io/api v0.37.2'), 'HEAD')));
    const outcome = await compare(
      join(at(`k8s.io/api ${version}`), 'HEAD'),
      (name) => !newest.has(`${name}.pb`),
    );
    expect(outcome.different).toEqual([]);
    expect(outcome.equal).toHaveLength(equal);
  });
});
