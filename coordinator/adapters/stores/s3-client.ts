import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import type { S3Client } from '@aws-sdk/client-s3';
import type { S3Config } from '../../config-stores.ts';
import { readCredentials } from './s3-credentials.ts';

const CONNECTION_TIMEOUT_MS = 10_000;
/** The SDK's own: with a growing pause between, and never for what the server refuses. */
const MAX_ATTEMPTS = 4;
/** Renewed credentials are taken up within this, without a restart. */
const CREDENTIALS_FRESH_MS = 60_000;

export type S3Sdk = typeof import('@aws-sdk/client-s3');

export interface S3Connection {
  readonly sdk: S3Sdk;
  readonly client: S3Client;
}

/** Loads the SDK, which a coordinator without such a store never pays for. */
export async function connectS3(config: S3Config, stallTimeoutMs: number): Promise<S3Connection> {
  const sdk = await import('@aws-sdk/client-s3');
  const { credentialsFile, profile, endpoint, caFile } = config;
  const ca = caFile === undefined ? undefined : [...rootCertificates, await readFile(caFile, 'utf8')];
  const client = new sdk.S3Client({
    region: config.region,
    forcePathStyle: config.pathStyle,
    maxAttempts: MAX_ATTEMPTS,
    // Checksums are sent by us, made once over what is sent.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // A bucket in another region is a setting to correct, not to go after.
    followRegionRedirects: false,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      socketTimeout: stallTimeoutMs,
      ...(ca === undefined ? {} : { httpsAgent: { ca } }),
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentialsFile === undefined
      ? {}
      : {
          credentials: async () => ({
            ...(await readCredentials(credentialsFile, profile)),
            expiration: new Date(Date.now() + CREDENTIALS_FRESH_MS),
          }),
        }),
  });
  return { sdk, client };
}
