import { createCipheriv } from 'node:crypto';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { describe, expect, it } from 'vitest';
import { fingerprints, openValue, parseEncryptionConfiguration } from './encryption.ts';
import { message, stored } from './testing/wire-writer.ts';

const KEY = '/registry/secrets/default/token';
const PLAIN = stored('v1', 'Secret', message([3, 'Opaque']));
const secret = (fill: number, bytes = 32) => Buffer.alloc(bytes, fill);
const base64 = (bytes: Buffer) => bytes.toString('base64');

function sealCbc(key: Buffer, plain: Buffer = PLAIN): Buffer {
  const iv = Buffer.alloc(16, 3);
  const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, iv);
  return Buffer.concat([Buffer.from('k8s:enc:aescbc:v1:one:'), iv, cipher.update(plain), cipher.final()]);
}

function sealGcm(key: Buffer, etcdKey: string): Buffer {
  const nonce = Buffer.alloc(12, 4);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(etcdKey));
  const body = Buffer.concat([cipher.update(PLAIN), cipher.final()]);
  return Buffer.concat([Buffer.from('k8s:enc:aesgcm:v1:one:'), nonce, body, cipher.getAuthTag()]);
}

function sealSecretbox(key: Buffer): Buffer {
  const nonce = Buffer.alloc(24, 5);
  return Buffer.concat([
    Buffer.from('k8s:enc:secretbox:v1:one:'),
    nonce,
    xsalsa20poly1305(key, nonce).encrypt(PLAIN),
  ]);
}

function configuration(provider: string, key: Buffer, resources = 'secrets', name = 'one') {
  return parseEncryptionConfiguration(`
kind: EncryptionConfiguration
apiVersion: apiserver.config.k8s.io/v1
resources:
- resources: ["${resources}"]
  providers:
  - ${provider}:
      keys:
      - {name: ${name}, secret: ${base64(key)}}
  - identity: {}
`);
}

describe('openValue', () => {
  const cases = [
    ['aescbc', sealCbc(secret(1))],
    ['aesgcm', sealGcm(secret(1), KEY)],
    ['secretbox', sealSecretbox(secret(1))],
  ] as const;

  it.each(cases)('opens %s with its key', (provider, value) => {
    const opened = openValue(configuration(provider, secret(1)), KEY, value);
    expect(opened.outcome).toBe('opened');
    expect('plain' in opened && Buffer.from(opened.plain)).toEqual(PLAIN);
  });

  it.each(cases)('knows another key of the same name from the right one: %s', (provider, value) => {
    expect(openValue(configuration(provider, secret(2)), KEY, value)).toEqual({ outcome: 'wrong-key' });
  });

  it.each(cases)('says so where no key has the name: %s', (provider, value) => {
    expect(openValue(configuration(provider, secret(1), 'secrets', 'two'), KEY, value).outcome).toBe(
      'no-such-key',
    );
  });

  it('opens with the keys of 16 and 24 bytes too', () => {
    for (const bytes of [16, 24]) {
      const key = secret(1, bytes);
      expect(openValue(configuration('aescbc', key), KEY, sealCbc(key)).outcome).toBe('opened');
    }
  });

  it('is not taken in by padding that happens to fit', () => {
    const key = secret(1);
    expect(openValue(configuration('aescbc', key), KEY, sealCbc(key, Buffer.from('noise'))).outcome).toBe(
      'wrong-key',
    );
  });

  it('holds an aesgcm value to the key it was stored under', () => {
    const value = sealGcm(secret(1), KEY);
    expect(openValue(configuration('aesgcm', secret(1)), `${KEY}x`, value).outcome).toBe('wrong-key');
  });

  it('asks only the providers of the key’s resource', () => {
    const value = sealCbc(secret(1));
    expect(openValue(configuration('aescbc', secret(1), 'configmaps'), KEY, value).outcome).toBe(
      'no-such-key',
    );
    expect(openValue(configuration('aescbc', secret(1), '*.*'), KEY, value).outcome).toBe('opened');
    expect(openValue(configuration('aescbc', secret(1), '*.'), KEY, value).outcome).toBe('opened');
    expect(openValue(configuration('aescbc', secret(1), '*.apps'), KEY, value).outcome).toBe('no-such-key');
    const deployment = '/registry/deployments/a/b';
    expect(openValue(configuration('aescbc', secret(1), 'deployments.apps'), deployment, value).outcome).toBe(
      'opened',
    );
    expect(openValue(configuration('aescbc', secret(1), '*.apps'), deployment, value).outcome).toBe('opened');
    const custom = '/registry/stable.example.com/crontabs/a/b';
    expect(
      openValue(configuration('aescbc', secret(1), 'crontabs.stable.example.com'), custom, value).outcome,
    ).toBe('opened');
  });

  it('takes the first rule that names the resource', () => {
    const config = parseEncryptionConfiguration(`
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers: [{identity: {}}]
- resources: ['*.*']
  providers: [{aescbc: {keys: [{name: one, secret: ${base64(secret(1))}}]}}]
`);
    expect(openValue(config, KEY, sealCbc(secret(1))).outcome).toBe('no-such-key');
    expect(openValue(config, '/registry/configmaps/a/b', sealCbc(secret(1))).outcome).toBe('opened');
  });

  it('cannot tell of kms, but knows its plugins', () => {
    const config = parseEncryptionConfiguration(
      'kind: EncryptionConfiguration\nresources: [{resources: [secrets], providers: [{kms: {apiVersion: v2, name: vault, endpoint: unix:///x}}]}]',
    );
    expect(openValue(config, KEY, Buffer.from('k8s:enc:kms:v2:vault:xxx')).outcome).toBe('cannot-tell');
    expect(openValue(config, KEY, Buffer.from('k8s:enc:kms:v2:other:xxx')).outcome).toBe('no-such-key');
  });

  it('gives back what is not encrypted, and never throws on what is cut off', () => {
    const config = configuration('aescbc', secret(1));
    expect(openValue(config, KEY, PLAIN)).toEqual({ outcome: 'opened', plain: PLAIN });
    const opened = cases.flatMap(([provider, value]) => {
      const whole = configuration(provider, secret(1));
      // Shorter than its prefix, a value does not say that it is encrypted.
      const cuts = Array.from({ length: value.length }, (_, length) => value.subarray(0, length));
      return cuts.filter((cut) => cut.includes('one:') && openValue(whole, KEY, cut).outcome === 'opened');
    });
    expect(opened).toEqual([]);
  });

  it('knows the resource under another etcd prefix', () => {
    const config = configuration('aescbc', secret(1));
    const key = '/clusters/a/secrets/default/token';
    expect(openValue(config, key, sealCbc(secret(1)), '/clusters/a').outcome).toBe('opened');
  });
});

describe('parseEncryptionConfiguration', () => {
  const SECRET = base64(secret(9, 31));

  it.each([
    ['no YAML', `a: b: ${SECRET}`],
    ['no document', ''],
    ['another kind', `kind: Secret\nresources: []`],
    [
      'a key of 31 bytes',
      `kind: EncryptionConfiguration\nresources: [{resources: [secrets], providers: [{aescbc: {keys: [{name: k, secret: ${SECRET}}]}}]}]`,
    ],
    [
      'a secret that is no base64',
      `kind: EncryptionConfiguration\nresources: [{resources: [secrets], providers: [{aescbc: {keys: [{name: k, secret: "${SECRET}!"}]}}]}]`,
    ],
    [
      'two providers in one',
      `kind: EncryptionConfiguration\nresources: [{resources: [secrets], providers: [{identity: {}, kms: {name: a}}]}]`,
    ],
  ])('refuses %s, and never says the secret', (_name, yaml) => {
    let thrown: unknown;
    try {
      parseEncryptionConfiguration(yaml);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(`${String(thrown)}${JSON.stringify(thrown)}${String((thrown as Error).cause)}`).not.toContain(
      SECRET,
    );
  });
});

describe('fingerprints', () => {
  it('are equal exactly where provider, name and secret are', () => {
    const [one] = fingerprints(configuration('aescbc', secret(1)));
    expect(one).toMatchObject({ provider: 'aescbc', keyName: 'one' });
    expect(fingerprints(configuration('aescbc', secret(1), '*.*'))[0]).toEqual(one);
    const others = [
      configuration('aescbc', secret(2)),
      configuration('aesgcm', secret(1)),
      configuration('aescbc', secret(1), 'secrets', 'two'),
    ];
    for (const other of others) {
      expect(fingerprints(other)[0]?.fingerprintSha256).not.toBe(one?.fingerprintSha256);
    }
  });

  it('come in order of trial, each once', () => {
    const rule = (name: string) =>
      `{resources: ['${name}'], providers: [{secretbox: {keys: [{name: a, secret: ${base64(secret(1))}}]}}, {identity: {}}]}`;
    const config = parseEncryptionConfiguration(
      `kind: EncryptionConfiguration\nresources: [${rule('secrets')}, ${rule('configmaps')}]`,
    );
    expect(fingerprints(config).map(({ provider, keyName }) => `${provider}/${keyName}`)).toEqual([
      'secretbox/a',
      'identity/',
    ]);
  });
});
