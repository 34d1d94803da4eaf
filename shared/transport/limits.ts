import type { ChannelOptions } from '@grpc/grpc-js';

/** The largest message either way: a plan with its consequences, or a chunk of a snapshot. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** The largest serialised failure; HTTP/2 implementations cap all trailers together at 64 KiB. */
export const MAX_FAILURE_BYTES = 16 * 1024;

/** A connection with calls on it that is silent for this long is asked whether it lives. */
export const KEEPALIVE_TIME_MS = 3_000;

/** It is given up if it does not answer by then; longer than the longest pause of a busy peer. */
export const KEEPALIVE_TIMEOUT_MS = 5_000;

/** Large enough that a snapshot's chunks keep the wire busy (docs/decisions/limits-of-the-transport.md). */
const FLOW_CONTROL_WINDOW_BYTES = 16 * 1024 * 1024;

/** A restarted peer is found again within this. */
const MAX_RECONNECT_BACKOFF_MS = 2_000;

const COMMON = {
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
} satisfies ChannelOptions;

export const SERVER_OPTIONS = { ...COMMON } satisfies ChannelOptions;

export const CLIENT_OPTIONS = {
  ...COMMON,
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': MAX_RECONNECT_BACKOFF_MS,
  'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW_BYTES,
  // A proxy named in the environment must not stand between a coordinator and its nodes.
  'grpc.enable_http_proxy': 0,
  // Whether a call is repeated is decided by who knows what it does, never by the transport.
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
} satisfies ChannelOptions;
