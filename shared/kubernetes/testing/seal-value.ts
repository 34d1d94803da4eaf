import { createCipheriv } from 'node:crypto';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';

export interface SealingKey {
  readonly name: string;
  /** 32 bytes. */
  readonly secret: Buffer;
}

/** Values as kube-apiserver stores them encrypted; the nonce is the caller's, so that a test is the same each time. */
export const sealValue = {
  aescbc: (plain: Buffer, { name, secret }: SealingKey, nonce: number): Buffer => {
    const iv = Buffer.alloc(16, nonce);
    const cipher = createCipheriv('aes-256-cbc', secret, iv);
    return Buffer.concat([
      Buffer.from(`k8s:enc:aescbc:v1:${name}:`),
      iv,
      cipher.update(plain),
      cipher.final(),
    ]);
  },
  aesgcm: (plain: Buffer, { name, secret }: SealingKey, nonce: number, etcdKey: string): Buffer => {
    const iv = Buffer.alloc(12, nonce);
    const cipher = createCipheriv('aes-256-gcm', secret, iv);
    cipher.setAAD(Buffer.from(etcdKey));
    const body = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([Buffer.from(`k8s:enc:aesgcm:v1:${name}:`), iv, body, cipher.getAuthTag()]);
  },
  secretbox: (plain: Buffer, { name, secret }: SealingKey, nonce: number): Buffer => {
    const iv = Buffer.alloc(24, nonce);
    return Buffer.concat([
      Buffer.from(`k8s:enc:secretbox:v1:${name}:`),
      iv,
      xsalsa20poly1305(secret, iv).encrypt(plain),
    ]);
  },
} as const;
