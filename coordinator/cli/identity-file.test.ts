import { ageHeadOf } from '@lockstep/shared/age-head.ts';
import { Encrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { describe, expect, it } from 'vitest';
import { fileKeyOf, parseIdentities } from './identity-file.ts';

describe('an identity file', () => {
  it('is as age-keygen writes it', async () => {
    const [one, other] = [await generateIdentity(), await generateIdentity()];
    const text = `# created: 2026-11-22T12:00:00Z\n# public key: age1…\n${one}\n\n  ${other}  \n`;
    expect(parseIdentities(text, 'key.txt')).toEqual([one, other]);
  });

  it.each([
    ['nothing', '# a comment\n'],
    ['a passphrase', '-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n'],
    ['a passphrase', 'age-encryption.org/v1\n-> scrypt x 18\n'],
    ['a recipient', 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\n'],
    ['a damaged identity', 'AGE-SECRET-KEY-1QQQQ\n'],
    ['an identity of a plugin', 'AGE-PLUGIN-YUBIKEY-1QQQQ\n'],
  ])('with %s alone is refused', (_what, text) => {
    expect(() => parseIdentities(text, 'key.txt')).toThrow(
      expect.objectContaining({ code: 'IDENTITY_INVALID' }),
    );
  });

  it('is refused without a word of what it holds', async () => {
    const secret = (await generateIdentity()).slice(0, -2);
    expect(() => parseIdentities(`${secret}\n`, 'key.txt')).toThrow(
      /^Line 1 of key\.txt is no identity of age\.$/,
    );
  });

  it('opens the head of a copy that is encrypted to it, among others', async () => {
    const [own, other] = [await generateIdentity(), await generateIdentity()];
    const encrypter = new Encrypter();
    for (const each of [other, own]) encrypter.addRecipient(await identityToRecipient(each));
    const head = ageHeadOf(await encrypter.encrypt('a snapshot')) ?? new Uint8Array();
    expect(await fileKeyOf(head, [own], [])).toHaveLength(16);
    await expect(fileKeyOf(head, [await generateIdentity()], ['age1x'])).rejects.toMatchObject({
      code: 'COPY_KEY_WRONG',
      message: expect.stringContaining('age1x'),
    });
  });
});
