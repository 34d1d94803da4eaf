import { readFileSync } from 'node:fs';

/** What the kernel says that a new program could have without pushing anybody out; 0 where it says nothing. */
export function memoryAvailableBytes(path = '/proc/meminfo'): bigint {
  const kilobytes = /^MemAvailable:\s+(?<kilobytes>\d+) kB$/mu.exec(readFileSync(path, 'utf8'))?.groups?.[
    'kilobytes'
  ];
  return BigInt(kilobytes ?? '0') * 1024n;
}
