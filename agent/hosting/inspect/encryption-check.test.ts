import { createCipheriv, randomBytes } from 'node:crypto';

import { EncryptionVerdict_Verdict } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { EncryptionUse } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { expect, test } from 'vitest';

import { checkEncryption } from './encryption-check.ts';

const KEY = randomBytes(32);
const configuration = (name: string, key: Buffer): string => `kind: EncryptionConfiguration
apiVersion: apiserver.config.k8s.io/v1
resources:
  - resources: [secrets]
    providers:
      - aesgcm: {keys: [{name: ${name}, secret: ${key.toString('base64')}}]}
      - identity: {}
`;

function sealed(etcdKey: string): EncryptionUse {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', KEY, nonce).setAAD(Buffer.from(etcdKey));
  const body = Buffer.concat([cipher.update('k8s\0secret'), cipher.final(), cipher.getAuthTag()]);
  return EncryptionUse.create({
    provider: 'aesgcm',
    keyName: 'key1',
    sampleKey: etcdKey,
    sampleValue: Buffer.concat([Buffer.from('k8s:enc:aesgcm:v1:key1:'), nonce, body]),
  });
}

const { VERDICT_OPENED, VERDICT_WRONG_KEY, VERDICT_NO_SUCH_KEY } = EncryptionVerdict_Verdict;

test.each([
  ['the key itself', configuration('key1', KEY), VERDICT_OPENED],
  ['another key of that name', configuration('key1', randomBytes(32)), VERDICT_WRONG_KEY],
  ['a key of another name', configuration('key2', KEY), VERDICT_NO_SUCH_KEY],
  ['no configuration at all', undefined, VERDICT_NO_SUCH_KEY],
])('with %s', (_, yaml, verdict) => {
  const [seen] = checkEncryption(yaml, '/registry', [sealed('/registry/secrets/default/a')]);
  expect(seen).toEqual({ provider: 'aesgcm', keyName: 'key1', verdict });
});

test('under an etcd prefix of several parts', () => {
  const use = sealed('/clusters/one/secrets/default/a');
  const [seen] = checkEncryption(configuration('key1', KEY), '/clusters/one', [use]);
  expect(seen?.verdict).toBe(VERDICT_OPENED);
});
