import pino from 'pino';

export type Logger = pino.Logger;

/**
 * JSON lines on standard error, so that standard output stays a program's answer. Messages are
 * constant; data goes in fields. Secrets are never given to it; the redaction is the second wall.
 */
export function createLogger(
  program: string,
  level: string = process.env['LOCKSTEP_LOG_LEVEL'] ?? 'info',
): Logger {
  return pino(
    {
      base: { program },
      level,
      redact: ['*.key', '*.secret', '*.token', '*.password'],
      formatters: { level: (label) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
