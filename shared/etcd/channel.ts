import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';

import { ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js';

import { LockstepError } from '../errors/lockstep-error.ts';

/** Where a member answers, and who asks. PEMs, not paths. */
export interface EtcdEndpoint {
  /** "https://10.0.0.1:2379", or "unix:/run/etcd.sock" for a socket file. */
  readonly url: string;
  /** Left out for http. */
  readonly tls?: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };
}

export interface EtcdChannel {
  readonly target: string;
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
}

/** A page of keys, or one value with room to spare: etcd takes requests up to 1.5 MiB. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
/** A member that has just been started is asked again at once: every such wait is downtime. */
const RECONNECT_MS = { first: 50, longest: 250 };

const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.initial_reconnect_backoff_ms': RECONNECT_MS.first,
  'grpc.min_reconnect_backoff_ms': RECONNECT_MS.first,
  'grpc.max_reconnect_backoff_ms': RECONNECT_MS.longest,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_http_proxy': 0,
};

export function etcdChannel(endpoint: EtcdEndpoint): EtcdChannel {
  if (endpoint.url.startsWith('unix:')) {
    const options = { ...CHANNEL_OPTIONS, 'grpc.default_authority': 'localhost' };
    return { target: endpoint.url, credentials: credentials.createInsecure(), options };
  }
  const { protocol, hostname, port } = parseUrl(endpoint.url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const family = isIP(host);
  const scheme = family === 4 ? 'ipv4' : family === 6 ? 'ipv6' : 'dns';
  const authority = `${hostname}:${port === '' ? '2379' : port}`;
  const options: ChannelOptions = {
    ...CHANNEL_OPTIONS,
    'grpc.default_authority': authority,
  };
  const target = `${scheme}:${authority}`;
  if (protocol === 'http:') return { target, credentials: credentials.createInsecure(), options };

  const { tls } = endpoint;
  if (tls === undefined) {
    throw new LockstepError('CONFIG_INVALID', {
      message: `${endpoint.url} is https, but no certificate is given.`,
    });
  }
  return {
    target,
    // An IP address is no server name (RFC 6066), so another is sent; what the certificate must
    // name is the address all the same.
    options: family === 0 ? options : { ...options, 'grpc.ssl_target_name_override': 'localhost' },
    credentials: credentials.createSsl(tls.ca, tls.key, tls.cert, {
      checkServerIdentity: (_sent, certificate) => checkServerIdentity(host, certificate),
    }),
  };
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new LockstepError('CONFIG_INVALID', { message: `'${text}' is no URL of an etcd member.` });
  }
  return url;
}
