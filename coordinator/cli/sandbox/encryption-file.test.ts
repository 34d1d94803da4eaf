import { parseEncryptionConfiguration } from '@lockstep/shared/kubernetes/encryption-configuration.ts';
import { expect, it } from 'vitest';
import { sandboxEncryption } from './encryption-file.ts';

const KEY = Buffer.alloc(32, 7).toString('base64');

it('keeps providers in their order, reads what is plain, and asks no plugin', () => {
  const { text, leftOut } = sandboxEncryption(
    parseEncryptionConfiguration(`
kind: EncryptionConfiguration
apiVersion: apiserver.config.k8s.io/v1
resources:
- resources: [secrets]
  providers:
  - kms: {apiVersion: v2, name: vault, endpoint: unix:///run/vault.sock}
  - aescbc: {keys: [{name: one, secret: ${KEY}}]}
- resources: [configmaps]
  providers:
  - identity: {}
  - aesgcm: {keys: [{name: two, secret: ${KEY}}]}
- resources: [events]
  providers:
  - kms: {name: vault, endpoint: unix:///run/vault.sock}
`),
  );
  expect(leftOut).toEqual(['vault']);
  expect(JSON.parse(text)).toEqual({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [
      {
        resources: ['secrets'],
        providers: [{ aescbc: { keys: [{ name: 'one', secret: KEY }] } }, { identity: {} }],
      },
      {
        resources: ['configmaps'],
        providers: [{ identity: {} }, { aesgcm: { keys: [{ name: 'two', secret: KEY }] } }],
      },
      { resources: ['events'], providers: [{ identity: {} }] },
    ],
  });
});
