import type { ErrorEntry } from './entry.ts';

/** Between the programs, and between a person and a program. */
export const transportErrors = {
  UNREACHABLE: {
    class: 'fault',
    meaning: 'The other side did not answer; whether it acted is not known.',
    cure: 'Check the address and the network; ask for the state before repeating anything.',
  },
  NOT_AUTHENTICATED: {
    class: 'fault',
    meaning: 'The connection carries no valid certificate of this Lockstep’s CA.',
    cure: 'Make certificates with `lockstep init`, and check their paths and expiry.',
  },
  NOT_AUTHORISED: {
    class: 'fault',
    meaning: 'The certificate’s role does not allow this call.',
    cure: 'Use a certificate of the role that the message names.',
  },
  CONFIG_INVALID: {
    class: 'fault',
    meaning: 'A configuration file or a setting is not valid.',
    cure: 'Correct the field that the message names.',
  },
  USAGE: {
    class: 'fault',
    meaning: 'The command line is not valid.',
    cure: 'See --help.',
  },
  INTERNAL: {
    class: 'fault',
    meaning: 'Something happened that the program does not expect; its state is not known.',
    cure: 'Ask for the state with `lockstep restore status`; report this with the logs of coordinator and agents.',
  },
} satisfies Record<string, ErrorEntry>;
