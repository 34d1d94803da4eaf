import { expect, it } from 'vitest';
import { deadline } from './deadline.ts';
import { waitFor } from './waiting.ts';

it('a condition that never holds ends with the deadline', async () => {
  const never = { describe: () => 'never', check: async () => false };
  await expect(waitFor(never, 10, deadline(50))).rejects.toThrow('timeout');
});
